import Glibc
import JSON
import Reconciler
import Testing

@testable import Runner

@Suite struct DeploymentTests {
    let bench = Bench()

    private func payload(_ text: String) throws -> LockedBuffer {
        let buffer = try LockedBuffer(count: text.utf8.count)
        buffer.bytes.copyBytes(from: Array(text.utf8))
        return buffer
    }

    @Test func whatReplacesAMaskedFileIsCoveredInAllThatRunsAndInWhatStartsOnceItRuns() {
        bench.up(.test("db"))
        var web = LaunchPlan.test("web")
        // The folder is there, and without links, on every Linux.
        web.mounts = [.bind(source: "/proc/sys", target: "/data", readOnly: true)]
        bench.submit(.apply(Deployment(
            surroundings: StackSurroundings(privatePaths: ["/proc/sys/key.txt"], plaintextSources: ["/etc/key.txt"]), plans: [web],
            operations: [.create(service: "web", index: 1)])))
        #expect(bench.host.watched == ["/proc/sys/key.txt", "/etc/key.txt"])
        #expect(bench.calls() == ["launch web-1"])
        bench.supervisor.replaced(["/proc/sys/key.txt"])
        #expect(bench.calls() == ["remask db /proc/sys/key.txt"])
        bench.started("web-1")
        #expect(bench.calls() == ["remask web /proc/sys/key.txt /data/key.txt"])
        bench.supervisor.replaced(["/etc/key.txt"])
        #expect(Set(bench.calls()) == ["remask web /etc/key.txt", "remask db /etc/key.txt"])
    }

    @Test func aSuccessorCoversAllThatItsPredecessorCouldNotWatch() {
        let bench = Bench()
        let running = ObservedInstance(service: "web", index: 1, status: .running, pid: 77, startTime: 1)
        let record = StateRecord(bootID: "b", services: [.init(name: "web", traits: ServiceTraits(), files: nil)], instances: [running])
        bench.supervisor.adopt(record, survivors: [bench.name("web-1")]) { _ in nil }
        bench.submit(.provide([.test("web")], StackSurroundings(plaintextSources: ["/etc/key.txt"])))
        #expect(bench.calls() == ["remask web /etc/key.txt"])
    }

    @Test func filesAreInPlaceBeforeAnythingIsLaunchedAndReactionsComeLast() throws {
        bench.up(.test("db"), .test("cache"))
        let secret = MountedFile.test("key", version: "2")
        bench.submit(
            .apply(Deployment(
                plans: [.test("web", files: [secret])],
                operations: [
                    .signal(service: "db", signal: 1), .restart(service: "cache"), .create(service: "web", index: 1),
                    .write(service: "web", file: secret), .write(service: "db", file: secret), .write(service: "cache", file: secret),
                ],
                payloads: [
                    .init(length: 3, files: [.init(service: "web", target: secret.target), .init(service: "db", target: secret.target)]),
                    .init(length: 2, files: [.init(service: "cache", target: secret.target)]),
                ],
                masks: [MaskedFile(path: "/home/me/key.txt", identity: "1:2")])),
            payload: try payload("abcde"))
        #expect(bench.calls() == [
            "write web /run/secrets/key", "write db /run/secrets/key", "write cache /run/secrets/key",
            "remask cache /home/me/key.txt", "remask db /home/me/key.txt", "signal db-1 1", "launch web-1", "signal cache-1 15",
        ])
        #expect(bench.host.contents["web/run/secrets/key"] == Array("abc".utf8))
        #expect(bench.host.contents["db/run/secrets/key"] == Array("abc".utf8))
        #expect(bench.host.contents["cache/run/secrets/key"] == Array("de".utf8))
        #expect(bench.supervisor.observe(supervisorPID: 1).maskedFiles == [MaskedFile(path: "/home/me/key.txt", identity: "1:2")])
        bench.started("web-1")
        bench.ended("cache-1")
        #expect(bench.calls() == ["launch cache-1"])
        bench.started("cache-1")
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func aFileThatHasNoPlaceStopsNoOtherOne() throws {
        bench.up(.test("db"), .test("web"))
        let stuck = MountedFile.test("stuck"), secret = MountedFile.test("key")
        bench.host.refusedTargets = [stuck.target]
        bench.submit(
            .apply(Deployment(
                operations: [
                    .write(service: "db", file: stuck), .removeFile(service: "db", file: .test("old")), .write(service: "web", file: secret),
                    .signal(service: "web", signal: 1),
                ],
                payloads: [
                    .init(length: 1, files: [.init(service: "db", target: stuck.target), .init(service: "web", target: secret.target)])
                ])),
            payload: try payload("x"))
        #expect(bench.calls() == ["remove db /run/secrets/old", "write web /run/secrets/key", "signal web-1 1"])
        #expect(bench.takeReplies().first?.contains("/run/secrets/stuck has no place") == true)
    }

    @Test func filesThatComeWithAPlanAloneAreWritten() throws {
        let secret = MountedFile.test("key")
        bench.submit(
            .apply(Deployment(
                plans: [.test("web", files: [secret])], operations: [.create(service: "web", index: 1)],
                payloads: [.init(length: 3, files: [.init(service: "web", target: secret.target)])])),
            payload: try payload("abc"))
        #expect(bench.calls() == ["write web /run/secrets/key", "launch web-1"])
    }

    @Test func aServiceIsNotLaunchedWithoutItsFiles() {
        bench.submit(.apply(Deployment(plans: [.test("web", files: [.test("key")])], operations: [.create(service: "web", index: 1)])))
        #expect(bench.calls() == [])
        #expect(bench.takeReplies().first?.contains("/run/secrets/key is not in place") == true)
    }

    @Test func recreatingStopsTheOldOneAndLaunchesTheNewPlan() {
        bench.up(.test("web", hash: "old"))
        bench.submit(.apply(Deployment(plans: [.test("web", hash: "new")], operations: [.recreate(service: "web", index: 1)])))
        #expect(bench.calls() == ["signal web-1 15"])
        bench.ended("web-1")
        #expect(bench.calls() == ["launch web-1"])
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"])
        #expect(bench.instance("web-1")?.configHash == "new")
    }

    @Test func recreatingAServiceAndWhatDependsOnItKeepsTheOrderBothWays() {
        bench.up(.test("web", after: ["db"]), .test("db"))
        bench.submit(.apply(Deployment(
            plans: [.test("web", after: ["db"], hash: "2"), .test("db", hash: "2")],
            operations: [.recreate(service: "db", index: 1), .recreate(service: "web", index: 1)])))
        #expect(bench.calls() == ["signal web-1 15"])
        bench.ended("web-1")
        #expect(bench.calls() == ["signal db-1 15"])
        bench.ended("db-1")
        #expect(bench.calls() == ["launch db-1"])
        bench.started("db-1")
        #expect(bench.calls() == ["launch web-1"])
    }

    @Test func aFileThatIsWrittenAndRemovedAtOnePlaceStays() throws {
        bench.up(.test("web"))
        let new = MountedFile.test("key", version: "9")
        bench.submit(
            .apply(Deployment(
                plans: [.test("web", files: [new])],
                operations: [.write(service: "web", file: new), .removeFile(service: "web", file: .test("key"))],
                payloads: [.init(length: 1, files: [.init(service: "web", target: new.target)])])),
            payload: try payload("x"))
        #expect(bench.calls() == ["write web /run/secrets/key"])
        bench.submit(.apply(Deployment(operations: [.removeFile(service: "web", file: new)])))
        #expect(bench.calls() == ["remove web /run/secrets/key"])
    }

    @Test(arguments: [
        Deployment(operations: [.create(service: "nobody", index: 1)]),
        Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 0)]),
        Deployment(plans: [.test("../etc")], operations: []),
        Deployment(plans: [LaunchPlan(service: "web", arguments: [])], operations: []),
        Deployment(plans: [.test("web")], operations: [.write(service: "web", file: .test("key"))]),
        Deployment(plans: [.test("web")], operations: [.signal(service: "web", signal: 99)]),
        Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 1), .remove(service: "/", index: 1)]),
    ])
    func aDeploymentThatMakesNoSenseIsRefusedAndChangesNothing(deployment: Deployment) {
        bench.submit(.apply(deployment))
        #expect(bench.takeReplies().first?.hasPrefix("failed: ") == true)
        #expect(bench.calls() == [])
        #expect(bench.supervisor.instances.isEmpty && bench.supervisor.services.isEmpty)
    }

    @Test func requestsAreDoneOneAfterTheOther() {
        bench.up(.test("web"))
        bench.submit(.restart(services: ["web"], timeoutMilliseconds: nil))
        bench.submit(.stop(services: ["web"], timeoutMilliseconds: nil))
        bench.ended("web-1")
        #expect(bench.calls() == ["signal web-1 15", "launch web-1"])
        bench.started("web-1")
        #expect(bench.calls() == ["signal web-1 15"])
        bench.ended("web-1")
        #expect(bench.takeReplies() == ["done", "done"])
    }
}

@Suite struct OwedReactionTests {
    let bench = Bench()

    private func apply(_ operations: Deployment.Operation...) throws {
        let secret = MountedFile.test("key", version: "2")
        bench.submit(
            .apply(Deployment(
                operations: operations + [.write(service: "web", file: secret)],
                payloads: [.init(length: 1, files: [.init(service: "web", target: secret.target)])])),
            payload: try LockedBuffer(count: 1))
    }

    /// A supervisor that takes over what the bench's one has on record now.
    private func successor(survivors: [String] = ["web-1"]) -> Bench {
        let successor = Bench()
        successor.supervisor.adopt(
            bench.supervisor.record(bootID: "b"), survivors: Set(survivors.map(bench.name)), exitCode: { _ in 143 })
        return successor
    }

    @Test func whatIsOwedIsOnRecordBeforeTheFirstFileIsWrittenAndStruckOutOnceDone() throws {
        bench.up(.test("web"))
        bench.supervisor.onOwed = { [bench] in
            bench.host.calls.append("record \(bench.supervisor.record(bootID: "b").owed?.map { $0.signal ?? 0 } ?? [])")
        }
        try apply(.signal(service: "web", signal: 1), .signal(service: "web", signal: 12))
        #expect(bench.calls() == ["record [1, 12]", "write web /run/secrets/key", "signal web-1 1", "signal web-1 12"])
        #expect(bench.supervisor.record(bootID: "b").owed == nil && bench.supervisor.unsaved == .urgent)
    }

    @Test func aDeploymentWithoutReactionsNeedsNoRecord() throws {
        bench.up(.test("web"))
        bench.supervisor.onOwed = { Issue.record("nothing is owed") }
        try apply()
        #expect(bench.calls() == ["write web /run/secrets/key"])
    }

    @Test func aSuccessorSendsTheSignalsThatItsPredecessorWasKilledBefore() throws {
        bench.up(.test("web"))
        var left: Bench?
        bench.supervisor.onOwed = { left = successor() }
        try apply(.signal(service: "web", signal: 1))
        #expect(left?.calls() == ["signal web-1 1"])
        #expect(left?.supervisor.record(bootID: "b").owed == nil)
    }

    @Test func aProcessThatEndedMeanwhileIsOwedNoSignal() throws {
        bench.up(.test("web"))
        var left: Bench?
        bench.supervisor.onOwed = { left = successor(survivors: []) }
        try apply(.signal(service: "web", signal: 1))
        #expect(left?.calls() == [])
    }

    @Test func aSuccessorRestartsWhatHadNotBeenStoppedYet() throws {
        bench.up(.test("web"))
        try apply(.restart(service: "web"))
        let successor = successor()
        #expect(successor.calls() == [])
        successor.submit(.provide([.test("web")], StackSurroundings()))
        #expect(successor.calls() == ["signal web-1 15"])
        successor.ended("web-1")
        #expect(successor.calls() == ["launch web-1"])
        #expect(successor.supervisor.record(bootID: "b").owed == nil)
    }

    @Test func aSuccessorStartsWhatHadBeenStoppedForARestart() throws {
        bench.up(.test("web"))
        try apply(.restart(service: "web"))
        let successor = successor(survivors: [])
        successor.submit(.provide([.test("web")], StackSurroundings()))
        #expect(successor.calls() == ["launch web-1"])
    }

    @Test func whatIsToStopInsteadIsOwedNoRestart() throws {
        bench.up(.test("web"))
        try apply(.restart(service: "web"))
        #expect(bench.supervisor.record(bootID: "b").owed == [OwedReaction(service: "web", index: 1)])
        bench.supervisor.stopEverything(because: "test")
        #expect(bench.supervisor.record(bootID: "b").owed == nil)
    }

    @Test func whatWasMadeForALaunchIsNotKeptForThoseOfAnotherMoment() throws {
        func surroundings(_ masks: String...) -> StackSurroundings { StackSurroundings(privatePaths: masks) }
        bench.submit(.apply(Deployment(
            surroundings: surroundings("/old"), plans: [.test("web", restart: .always)], operations: [.create(service: "web", index: 1)])))
        bench.started("web-1")
        bench.ended("web-1", 1)
        // A launch by the clock alone.
        bench.advance(100_000)
        #expect(bench.host.views == [surroundings("/old"), surroundings("/old")])
        bench.submit(.apply(Deployment(
            surroundings: surroundings("/old", "/new"), plans: [.test("db")], operations: [.create(service: "db", index: 1)])))
        #expect(bench.host.views.last == surroundings("/old", "/new"))
    }

    @Test func surroundingsThatAreNotSentStayAsTheyWere() throws {
        bench.submit(.apply(Deployment(
            surroundings: StackSurroundings(serviceNames: ["web"]), plans: [.test("web")], operations: [.create(service: "web", index: 1)])))
        bench.started("web-1")
        try apply(.restart(service: "web"))
        bench.ended("web-1")
        #expect(bench.host.surroundings?.serviceNames == ["web"])
    }
}

@Suite struct AdoptionTests {
    private let running = ObservedInstance(
        service: "web", index: 1, status: .running, pid: 77, startTime: 5, startedAt: 900, restarts: 2, configHash: "1")

    private func record(_ instances: [ObservedInstance], restart: Restart = .always) -> StateRecord {
        var traits = ServiceTraits()
        traits.restart = restart
        return StateRecord(bootID: "b", services: [.init(name: "web", traits: traits, files: nil)], instances: instances)
    }

    @Test func survivorsAreKeptAsTheyAre() {
        let bench = Bench()
        bench.supervisor.adopt(record([running]), survivors: [bench.name("web-1")]) { _ in nil }
        let observed = bench.instance("web-1")?.observed
        #expect(observed?.status == .running && observed?.pid == 77 && observed?.restarts == 2)
        #expect(bench.calls() == [])
        // And can be stopped without a plan.
        bench.submit(.stop(services: ["web"], timeoutMilliseconds: nil))
        #expect(bench.calls() == ["signal web-1 15"])
    }

    @Test func whatCouldNotBeStartedAgainIsNotStoppedForARestart() {
        let bench = Bench()
        bench.supervisor.adopt(record([running]), survivors: [bench.name("web-1")]) { _ in nil }
        bench.submit(.restart(services: ["web"], timeoutMilliseconds: nil))
        #expect(bench.calls() == [])
        bench.submit(.provide([.test("web", restart: .always)], StackSurroundings()))
        bench.submit(.restart(services: ["web"], timeoutMilliseconds: nil))
        #expect(bench.calls() == ["signal web-1 15"])
    }

    @Test func whatEndedMeanwhileGetsItsStatusAndWaitsForAPlanToRestart() {
        let bench = Bench()
        bench.supervisor.adopt(record([running]), survivors: []) { _ in 3 }
        #expect(bench.instance("web-1")?.observed.status == .exited)
        #expect(bench.instance("web-1")?.exitCode == 3)
        bench.advance(60_000)
        #expect(bench.calls() == [])
        bench.submit(.provide([.test("web", restart: .always)], StackSurroundings()))
        bench.advance(100)
        #expect(bench.calls() == ["launch web-1"])
    }

    /// With the last process that held a service's tmpfs it is gone, and what was in it.
    @Test func whatEndedMeanwhileWaitsForItsFilesToo() throws {
        let bench = Bench()
        let plan = LaunchPlan.test("web", restart: .always, files: [.test("key")])
        bench.supervisor.adopt(record([running]), survivors: []) { _ in 3 }
        bench.submit(.provide([plan], StackSurroundings()))
        bench.advance(60_000)
        #expect(bench.calls() == [] && bench.takeReplies() == ["done"])
        #expect(bench.instance("web-1")?.observed.status == .exited && bench.instance("web-1")?.observed.awaitsMeans == true)
        // Should this supervisor be killed, too, the next one goes on.
        let record = bench.supervisor.record(bootID: "b")
        #expect(record.instances.first?.status == .restarting)
        let last = Bench()
        last.supervisor.adopt(record, survivors: []) { _ in nil }
        #expect(last.instance("web-1")?.awaitsMeans == true && last.instance("web-1")?.exitCode == 3)

        let deployment = Deployment(
            plans: [plan], operations: [.write(service: "web", file: .test("key"))],
            payloads: [.init(length: 3, files: [.init(service: "web", target: "/run/secrets/key")])])
        let payload = try LockedBuffer(count: 3)
        bench.submit(.apply(deployment), payload: payload)
        #expect(bench.calls() == ["write web /run/secrets/key"])
        bench.advance(100)
        #expect(bench.calls() == ["launch web-1"])
        #expect(bench.instance("web-1")?.observed.awaitsMeans == nil)
    }

    /// Whatever its policy says: it was about to be started again.
    @Test func aRestartThatAPredecessorOwedWaitsForItsFilesToo() throws {
        let bench = Bench()
        let plan = LaunchPlan.test("web", files: [.test("key")])
        var record = record([running], restart: .no)
        record.owed = [OwedReaction(service: "web", index: 1)]
        bench.supervisor.adopt(record, survivors: []) { _ in 3 }
        bench.submit(.provide([plan], StackSurroundings()))
        #expect(bench.calls() == [] && bench.takeReplies() == ["done"])
        #expect(bench.instance("web-1")?.observed.awaitsMeans == true)
        #expect(bench.supervisor.owed.count == 1)
        bench.host.files["web"] = [.test("key")]
        bench.submit(.provide([plan], StackSurroundings()))
        #expect(bench.calls() == ["launch web-1"])
        #expect(bench.supervisor.owed.isEmpty)
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"] && bench.instance("web-1")?.observed.status == .running)
    }

    @Test func aSuccessUnderOnFailureIsNotRestarted() {
        let bench = Bench()
        bench.supervisor.adopt(record([running], restart: .onFailure(maximumRetries: nil)), survivors: []) { _ in 0 }
        bench.submit(.provide([.test("web", restart: .onFailure(maximumRetries: nil))], StackSurroundings()))
        bench.advance(60_000)
        #expect(bench.calls() == [])
    }

    @Test func whatAPersonStoppedBeforeStaysStopped() {
        let bench = Bench()
        let stopped = ObservedInstance(service: "web", index: 1, status: .exited, exitCode: 0, stoppedByUser: true)
        bench.supervisor.adopt(record([stopped]), survivors: []) { _ in nil }
        bench.submit(.provide([.test("web", restart: .always)], StackSurroundings()))
        bench.advance(60_000)
        #expect(bench.calls() == [])
    }

    @Test func theRecordHoldsNothingOfThePlanButItsTraits() throws {
        let bench = Bench()
        bench.up(.test("web", after: ["db"], restart: .unlessStopped), .test("db"))
        let record = bench.supervisor.record(bootID: "b")
        let text = String(decoding: JSON.encode(record), as: UTF8.self)
        #expect(!text.contains("hunter2") && !text.contains("/bin/web"))
        #expect(record.services.first { $0.name == "web" }?.traits.restart == .unlessStopped)
        #expect(record.services.first { $0.name == "web" }?.traits.dependencies == ["db"])
    }
}

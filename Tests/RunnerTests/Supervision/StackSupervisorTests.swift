import Glibc
import Reconciler
import Testing

@testable import Runner

@Suite struct OrderTests {
    let bench = Bench()

    @Test func aServiceStartsOnceWhatItDependsOnRuns() {
        bench.submit(.apply(Deployment(
            plans: [.test("web", after: ["api"]), .test("api", after: ["db"]), .test("db"), .test("cache")],
            operations: ["web", "api", "db", "cache"].map { .create(service: $0, index: 1) })))
        #expect(bench.calls() == ["launch db-1", "launch cache-1"])
        bench.started("cache-1")
        #expect(bench.calls() == [])
        bench.started("db-1")
        #expect(bench.calls() == ["launch api-1"])
        bench.started("api-1")
        #expect(bench.calls() == ["launch web-1"])
        #expect(bench.takeReplies() == [])
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"])
    }

    /// Whoever hears that a start is done need not wait for a record that says no more than the one before: a successor takes what lives for running.
    @Test func aStartIsSaidToBeDoneBeforeItIsWrittenDownThatItsCommandRuns() {
        bench.submit(.apply(Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 1)])))
        #expect(bench.supervisor.unsaved == .launched)
        bench.supervisor.saved()
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"])
        #expect(bench.supervisor.unsaved == .late)
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1")
        #expect(bench.takeReplies() == ["done"])
        #expect(bench.supervisor.unsaved == .urgent)
    }

    /// A restart is no job's, which would have it recorded at its end.
    @Test func aStartIsNotToldOfBeforeItsProcessIsRecorded() {
        bench.up(.test("web", restart: .always))
        bench.supervisor.saved()
        bench.ended("web-1")
        bench.supervisor.saved()
        bench.advance(100)
        #expect(bench.supervisor.unsaved == .launched)
        bench.started("web-1")
        #expect(bench.supervisor.unsaved == .urgent)
    }

    @Test func stoppingGoesTheOtherWay() {
        bench.up(.test("web", after: ["api"]), .test("api", after: ["db"]), .test("db"), .test("cache"))
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        #expect(bench.calls() == ["signal cache-1 15", "signal web-1 15"])
        bench.ended("web-1")
        #expect(bench.calls() == ["signal api-1 15"])
        bench.ended("api-1")
        #expect(bench.calls() == ["signal db-1 15"])
        bench.ended("db-1")
        #expect(bench.takeReplies() == [])
        bench.ended("cache-1")
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func orderHoldsAcrossAServiceThatDoesNotRun() {
        bench.up(.test("web", after: ["api"]), .test("api", after: ["db"]), .test("db"))
        bench.ended("api-1")
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        #expect(bench.calls() == ["signal web-1 15"])
        bench.ended("web-1")
        #expect(bench.calls() == ["signal db-1 15"])
    }

    @Test func allReplicasOfADependencyAreWaitedFor() {
        bench.submit(.apply(Deployment(
            plans: [.test("web", after: ["db"]), .test("db")],
            operations: [.create(service: "web", index: 1), .create(service: "db", index: 1), .create(service: "db", index: 2)])))
        bench.started("db-2")
        #expect(bench.calls() == ["launch db-1", "launch db-2"])
        bench.started("db-1")
        #expect(bench.calls() == ["launch web-1"])
    }

    @Test func aCircleOfDependenciesDoesNotHang() {
        bench.submit(.apply(Deployment(
            plans: [.test("a", after: ["b"]), .test("b", after: ["c", "b"]), .test("c", after: ["a"])],
            operations: ["a", "b", "c"].map { .create(service: $0, index: 1) })))
        bench.started("a-1", "b-1", "c-1")
        #expect(bench.takeReplies() == ["done"])
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        for name in ["a-1", "b-1", "c-1"] { bench.ended(name) }
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func whatDependsOnAFailedStartIsNotStarted() {
        bench.host.refusals["db"] = "no such program"
        bench.submit(.apply(Deployment(
            plans: [.test("web", after: ["api"]), .test("api", after: ["db"]), .test("db"), .test("cache")],
            operations: ["web", "api", "db", "cache"].map { .create(service: $0, index: 1) })))
        #expect(bench.calls() == ["refuse db-1", "launch cache-1"])
        bench.started("cache-1")
        let reply = bench.takeReplies().joined()
        #expect(reply.hasPrefix("failed: db-1: no such program"))
        #expect(reply.contains("web-1: 'db', which it depends on, did not start"))
        #expect(bench.instance("web-1")?.phase == .exited)
    }

    @Test func aCommandThatCannotBeRunFailsTheRequestWithItsReason() {
        bench.submit(.apply(Deployment(plans: [.test("web", restart: .always)], operations: [.create(service: "web", index: 1)])))
        bench.supervisor.startReported(bench.name("web-1"), failure: "/bin/web: No such file or directory")
        bench.ended("web-1", 127)
        #expect(bench.takeReplies() == ["failed: web-1: /bin/web: No such file or directory"])
        // What never ran is not tried again by itself.
        bench.advance(100_000)
        #expect(bench.calls() == ["launch web-1"])
    }
}

@Suite struct StopTests {
    let bench = Bench()

    @Test func whoIgnoresTheSignalIsKilledAfterItsGracePeriod() {
        bench.up(.test("web"))
        bench.submit(.stop(services: ["web"], timeoutMilliseconds: nil))
        bench.advance(9_999)
        #expect(bench.calls() == ["signal web-1 15"])
        bench.advance(1)
        #expect(bench.calls() == ["signal web-1 9"])
        bench.ended("web-1", 137)
        #expect(bench.takeReplies() == ["done"])
        #expect(bench.instance("web-1")?.exitCode == 137)
    }

    @Test func aTimeoutOfTheRequestReplacesTheGracePeriod() {
        bench.up(.test("web"))
        bench.submit(.stop(services: nil, timeoutMilliseconds: 0))
        bench.advance(0)
        #expect(bench.calls() == ["signal web-1 15", "signal web-1 9"])
    }

    /// The kernel tells a process's parent alone what it ended with, and an adopted one is another's child.
    @Test func whatWasKilledHasEndedByThat() {
        bench.up(.test("web"))
        bench.submit(.stop(services: nil, timeoutMilliseconds: 0))
        bench.advance(0)
        bench.ended("web-1", nil)
        #expect(bench.instance("web-1")?.exitCode == 137)
        bench.submit(.start(services: nil))
        bench.started("web-1")
        bench.ended("web-1", nil)
        #expect(bench.instance("web-1")?.exitCode == nil)
    }

    @Test func aDeadlineOfAnEarlierStopDoesNotHitTheNextRun() {
        bench.up(.test("web"))
        bench.submit(.restart(services: ["web"], timeoutMilliseconds: 5000))
        bench.ended("web-1")
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"])
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        _ = bench.calls()
        bench.advance(6000)
        #expect(bench.calls() == [])
    }

    @Test func killIsDoneAtOnceWhileAStopIsUnderWay() throws {
        bench.up(.test("web"))
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        try bench.supervisor.kill(services: nil, signal: SIGKILL)
        #expect(bench.calls() == ["signal web-1 15", "signal web-1 9"])
        bench.ended("web-1", 137)
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func aShorterTimeoutWinsAtOnceOverTheOneOfAStopUnderWay() throws {
        bench.up(.test("web", after: ["db"]), .test("db"), .test("other"))
        bench.submit(.stop(services: ["web", "db"], timeoutMilliseconds: 20_000))
        bench.advance(2000)
        try bench.supervisor.hasten(services: nil, timeoutMilliseconds: 100)
        bench.advance(99)
        #expect(bench.calls() == ["signal web-1 15"])
        bench.advance(1)
        #expect(bench.calls() == ["signal web-1 9"])
        bench.ended("web-1", 137)
        // What has to wait for its turn has no more time than that either; what is not being ended is left alone.
        bench.advance(100)
        #expect(bench.calls() == ["signal db-1 15", "signal db-1 9"])
        bench.ended("db-1", 137)
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func aLongerTimeoutDoesNotPutTheEndOff() throws {
        bench.up(.test("web"))
        bench.submit(.stop(services: nil, timeoutMilliseconds: 1000))
        try bench.supervisor.hasten(services: ["web"], timeoutMilliseconds: 5000)
        bench.advance(1000)
        #expect(bench.calls() == ["signal web-1 15", "signal web-1 9"])
    }

    @Test func aRestartTellsOfTheEnd() {
        bench.up(.test("web"))
        bench.submit(.restart(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1")
        #expect(bench.events.contains("web-1 stopped"))
    }

    @Test func aStoppedServiceCanBeStartedAgain() {
        bench.up(.test("web", restart: .always))
        bench.submit(.stop(services: ["web"], timeoutMilliseconds: nil))
        bench.ended("web-1")
        #expect(bench.instance("web-1")?.stoppedByUser == true)
        bench.submit(.start(services: ["web"]))
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done", "done"])
        #expect(bench.instance("web-1")?.stoppedByUser == false)
    }

    @Test func downForgetsEverythingAndSaysSoFirst() {
        var isDown = false
        bench.supervisor.onDown = { isDown = true }
        bench.up(.test("web", after: ["db"]), .test("db"))
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1")
        bench.ended("db-1")
        #expect(isDown)
        #expect(bench.calls() == [
            "release web", "signal web-1 15", "release db", "signal db-1 15", "discard web", "discard db",
        ])
        #expect(bench.supervisor.instances.isEmpty && bench.supervisor.services.isEmpty)
    }

    /// A service that is to be started again, or of which another instance stays, needs its files.
    @Test func filesAreLeftToInstancesOnlyWhereTheServiceGoes() {
        let plan = LaunchPlan.test("web")
        bench.submit(.apply(Deployment(plans: [plan], operations: [.create(service: "web", index: 1), .create(service: "web", index: 2)])))
        bench.started("web-1")
        bench.started("web-2")
        bench.submit(.restart(services: nil, timeoutMilliseconds: nil))
        for name in ["web-1", "web-2"] {
            bench.ended(name)
            bench.started(name)
        }
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        for name in ["web-1", "web-2"] { bench.ended(name) }
        bench.submit(.start(services: nil))
        for name in ["web-1", "web-2"] { bench.started(name) }
        bench.submit(.apply(Deployment(plans: [plan], operations: [.remove(service: "web", index: 2)])))
        bench.ended("web-2")
        let calls = bench.calls()
        #expect(calls.count { $0.hasPrefix("signal") } == 5 && !calls.contains { $0.hasPrefix("release") })
        // What is left of an instance goes with it, but for a whole stack's.
        #expect(calls.contains("forget web-2"))
        bench.submit(.down(services: ["web"], timeoutMilliseconds: nil))
        #expect(bench.calls() == ["release web", "signal web-1 15"])
    }

    @Test func whatEndsTogetherIsLookedAtOnce() {
        bench.up(.test("web", after: ["db"]), .test("api", after: ["db"]), .test("db"))
        bench.supervisor.settlesAfterEvents = true
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        #expect(bench.calls().sorted() == ["release api", "release web", "signal api-1 15", "signal web-1 15"])
        bench.ended("web-1")
        bench.ended("api-1")
        #expect(bench.calls() == [])
        bench.supervisor.settleIfDue()
        #expect(bench.calls().filter { $0.hasPrefix("signal") } == ["signal db-1 15"])
        bench.ended("db-1")
        bench.supervisor.settleIfDue()
        #expect(bench.supervisor.instances.isEmpty && bench.supervisor.isSettled)
    }

    @Test func downKeepsTheOrderAcrossAServiceThatIsGoneFirst() {
        bench.up(.test("web", after: ["api"]), .test("api", after: ["db"]), .test("db"))
        bench.ended("api-1")
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        #expect(bench.calls() == ["release web", "signal web-1 15", "discard api"])
        bench.ended("web-1")
        #expect(bench.calls().contains("signal db-1 15"))
    }

    @Test func downOfSomeServicesLeavesTheOthersAndTheSupervisor() {
        var isDown = false
        bench.supervisor.onDown = { isDown = true }
        bench.up(.test("web", after: ["db"]), .test("db"))
        bench.submit(.down(services: ["web"], timeoutMilliseconds: nil))
        bench.ended("web-1")
        #expect(bench.takeReplies() == ["done"])
        #expect(!isDown && bench.instance("db-1")?.phase == .running)
    }

    @Test func anUnknownServiceIsRefused() {
        bench.up(.test("web"))
        bench.submit(.stop(services: ["wbe"], timeoutMilliseconds: nil))
        #expect(bench.takeReplies().first?.contains("'wbe'") == true)
        #expect(bench.calls() == [])
    }

    @Test func endingTheSupervisorStopsInOrderAndAnswersWhoWaits() {
        bench.up(.test("web", after: ["db"]), .test("db"))
        bench.submit(.restart(services: ["db"], timeoutMilliseconds: nil))
        _ = bench.calls()
        bench.supervisor.stopEverything(because: "the end")
        #expect(bench.takeReplies() == ["failed: the end"])
        bench.ended("db-1")
        #expect(bench.calls() == ["signal web-1 15"])
        bench.ended("web-1")
        #expect(bench.supervisor.isSettled)
        #expect(bench.instance("db-1")?.stoppedByUser == false)
    }

    @Test func whatIsToEndSaysSoBeforeItsTurnComes() {
        bench.up(.test("web", after: ["db"]), .test("db"), .test("other"))
        bench.submit(.stop(services: ["db", "web"], timeoutMilliseconds: nil))
        func ending() -> [String] { bench.supervisor.observe(supervisorPID: 1).instances.filter { $0.isEnding == true }.map { "\($0.service) \($0.status)" } }
        #expect(ending() == ["db running", "web stopping"])
        // A successor knows nothing of that request.
        #expect(bench.supervisor.record(bootID: "b").instances.allSatisfy { $0.isEnding == nil })
        bench.ended("web-1")
        bench.ended("db-1")
        bench.submit(.restart(services: ["other"], timeoutMilliseconds: nil))
        #expect(ending() == [])
    }
}

@Suite struct RemovedLogTests {
    let bench = Bench()

    /// They go with all that there is of the stack.
    @Test func aWholeStacksLogsAreNotRemovedOneByOne() {
        bench.up(.test("web", after: ["db"]), .test("db"))
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1")
        bench.ended("db-1")
        #expect(!bench.calls().contains { $0.hasPrefix("forget") } && bench.takeReplies() == ["done"])
    }

    @Test func whatIsRemovedIsForgottenThoughTheRestOfTheStackStays() {
        bench.up(.test("web", after: ["db"]), .test("db"))
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1")
        bench.supervisor.stopEverything(because: "it ends")
        #expect(bench.calls().filter { $0.hasPrefix("forget") } == ["forget web-1"])
        #expect(bench.takeReplies() == ["failed: it ends"])
        bench.ended("db-1")
        #expect(bench.calls().filter { $0.hasPrefix("forget") } == [])
    }
}

@Suite struct RestartPolicyTests {
    let bench = Bench()

    @Test func theWaitDoublesUpToAMinuteAndStartsAnewAfterTenSeconds() {
        var backoff = RestartBackoff()
        var waits = (0..<12).map { _ in backoff.next(afterRunning: 5) }
        #expect(waits == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000])
        waits = [backoff.next(afterRunning: 10_000), backoff.next(afterRunning: 9_999)]
        #expect(waits == [100, 200])
    }

    @Test func alwaysRestartsEvenASuccess() {
        bench.up(.test("web", restart: .always))
        bench.ended("web-1", 0)
        #expect(bench.instance("web-1")?.observed.status == .restarting)
        bench.advance(99)
        #expect(bench.calls() == [])
        bench.advance(1)
        #expect(bench.calls() == ["launch web-1"])
        bench.started("web-1")
        #expect(bench.instance("web-1")?.restarts == 1)
    }

    @Test func whatIsRemovedWhileItWaitsForItsRestartIsNotStartedAnyMore() {
        bench.up(.test("web", restart: .always), .test("db"))
        bench.ended("web-1", 1)
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        bench.advance(1000)
        #expect(bench.calls() == ["release db", "signal db-1 15", "discard web"])
        bench.ended("db-1")
        #expect(bench.events.suffix(2) == ["db-1 exited(code: 0)", "db-1 removed"])
    }

    @Test func noNeverRestarts() {
        bench.up(.test("web"))
        bench.ended("web-1", 1)
        bench.advance(100_000)
        #expect(bench.calls() == [])
        #expect(bench.instance("web-1")?.observed.status == .exited)
        #expect(bench.instance("web-1")?.exitCode == 1)
    }

    @Test func onFailureRestartsFailuresAsOftenAsItMay() {
        bench.up(.test("web", restart: .onFailure(maximumRetries: 2)))
        for _ in 0..<2 {
            bench.ended("web-1", 3)
            bench.advance(60_000)
            #expect(bench.calls() == ["launch web-1"])
            bench.started("web-1")
        }
        bench.ended("web-1", 3)
        bench.advance(60_000)
        #expect(bench.calls() == [])
    }

    @Test func onFailureLeavesASuccessAlone() {
        bench.up(.test("web", restart: .onFailure(maximumRetries: nil)))
        bench.ended("web-1", 0)
        bench.advance(60_000)
        #expect(bench.calls() == [])
    }

    @Test(arguments: [Restart.always, .unlessStopped])
    func whatAPersonStoppedStaysStopped(policy: Restart) throws {
        bench.up(.test("web", restart: policy))
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1", 0)
        bench.advance(60_000)
        bench.submit(.start(services: nil))
        bench.started("web-1")
        _ = bench.calls()
        try bench.supervisor.kill(services: ["web"], signal: SIGKILL)
        bench.ended("web-1", 137)
        bench.advance(60_000)
        #expect(bench.calls() == ["signal web-1 9"])
    }

    @Test func anotherSignalDoesNotKeepThePolicyFromActing() throws {
        bench.up(.test("web", restart: .always))
        try bench.supervisor.kill(services: ["web"], signal: SIGHUP)
        bench.ended("web-1", 129)
        bench.advance(100)
        #expect(bench.calls() == ["signal web-1 1", "launch web-1"])
    }

    @Test func stoppingBetweenTwoRunsEndsTheRestarts() {
        bench.up(.test("web", restart: .always))
        bench.ended("web-1", 1)
        bench.submit(.stop(services: ["web"], timeoutMilliseconds: nil))
        bench.advance(60_000)
        #expect(bench.calls() == [])
        #expect(bench.takeReplies() == ["done"])
    }

    /// Else what can't be started after a takeover, of which nobody knows when it was last started, would be tried ten times a second for ever.
    @Test func theWaitGrowsWhereNothingCanBeLaunched() {
        let observed = ObservedInstance(service: "web", index: 1, status: .restarting, startedAt: 900, exitCode: 1)
        var traits = ServiceTraits()
        traits.restart = .always
        bench.supervisor.adopt(StateRecord(bootID: "b", services: [.init(name: "web", traits: traits, files: nil)], instances: [observed]), survivors: []) {
            _ in nil
        }
        bench.host.refusals["web"] = "no"
        bench.submit(.provide([.test("web", restart: .always)], StackSurroundings()))
        for wait in [100, 200, 400, 800, 1600] as [Int64] {
            bench.advance(wait - 1)
            #expect(bench.calls() == [])
            bench.advance(1)
            #expect(bench.calls() == ["refuse web-1"])
        }
    }

    @Test func aRestartThatCannotBeLaunchedIsTriedAgain() {
        bench.up(.test("web", restart: .always))
        bench.host.refusals["web"] = "out of memory"
        bench.ended("web-1", 1)
        bench.advance(100)
        #expect(bench.instance("web-1")?.failure == "out of memory")
        bench.host.refusals = [:]
        bench.advance(200)
        #expect(bench.calls() == ["refuse web-1", "launch web-1"])
    }
}

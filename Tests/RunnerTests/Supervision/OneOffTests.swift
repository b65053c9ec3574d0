import CLinux
import Glibc
import Linux
import Reconciler
import Testing

@testable import Runner

/// Instances that `run` has started.
@Suite final class OneOffTests {
    private let bench = Bench()
    private let key = "web~0123456789ab"

    private func plan(removed: Bool = false, after dependencies: [Dependency] = []) -> LaunchPlan {
        var plan = LaunchPlan.test(key, after: dependencies)
        plan.oneOff = OneOff(service: "web", name: "shop-web-run-0123456789ab", isRemovedAtEnd: removed)
        return plan
    }

    private func deployment(_ plan: LaunchPlan, caller: Deployment.Caller? = nil) -> ControlRequest {
        .apply(Deployment(plans: [plan], operations: [.create(service: plan.service, index: 1)], caller: caller))
    }

    @Test func oneStartsOnceAndItsFilesGoWithItsProcesses() {
        bench.submit(deployment(plan()))
        bench.started("\(key)-1")
        #expect(bench.takeReplies() == ["done"])
        #expect(bench.supervisor.observe(supervisorPID: 1).oneOffs.map(\.oneOff?.name) == ["shop-web-run-0123456789ab"])
        _ = bench.calls()
        bench.ended("\(key)-1", 3)
        #expect(bench.calls() == ["discard \(key)"])
        #expect(bench.instance("\(key)-1")?.exitCode == 3)
        // Nobody starts it again, by whatever name.
        for request in [ControlRequest.start(services: [key]), .restart(services: [key], timeoutMilliseconds: nil)] {
            bench.submit(request)
            #expect(bench.takeReplies() == ["failed: 'shop-web-run-0123456789ab' is a one-off, which is not started again; run: stackup run web"])
        }
        bench.submit(deployment(plan()))
        #expect(bench.takeReplies() == ["failed: the one-off '\(key)' is there already, and is not started again"])
        #expect(bench.calls().isEmpty)
        bench.submit(.down(services: [key], timeoutMilliseconds: nil))
        #expect(bench.instance("\(key)-1") == nil)
    }

    @Test func thoseThatHaveEndedDoNotAddUpForEver() {
        for number in 0..<StackSupervisor.keptOneOffs + 5 {
            let key = "web~" + String(repeating: "0", count: 12 - String(number).count) + String(number)
            var plan = LaunchPlan.test(key)
            plan.arguments = ["sh", "-c", String(repeating: "x", count: 100_000), "more"]
            plan.oneOff = OneOff(service: "web", name: "shop-web-run-\(number)", isRemovedAtEnd: false)
            bench.submit(deployment(plan))
            bench.started("\(key)-1")
            bench.ended("\(key)-1", 0)
        }
        let kept = bench.supervisor.observe(supervisorPID: 1).oneOffs
        #expect(kept.count == StackSupervisor.keptOneOffs)
        #expect(!kept.contains { $0.oneOff?.name == "shop-web-run-4" } && kept.contains { $0.oneOff?.name == "shop-web-run-5" })
        #expect(kept.allSatisfy { $0.command.count == 3 && $0.command.joined().utf8.count < 1100 })
    }

    @Test func oneThatIsToLeaveNothingLeavesNothing() {
        bench.submit(deployment(plan(removed: true)))
        bench.started("\(key)-1")
        bench.ended("\(key)-1", 0)
        #expect(bench.instance("\(key)-1") == nil && bench.supervisor.services[key] == nil)
        #expect(bench.calls().suffix(2) == ["discard \(key)", "forget \(key)-1"])
        #expect(bench.events.last == "\(key)-1 removed")
    }

    @Test func neitherDoesOneThatCannotBeStartedOrIsStopped() {
        bench.host.refusals[key] = "no"
        bench.submit(deployment(plan(removed: true)))
        #expect(bench.takeReplies() == ["failed: shop-web-run-0123456789ab: no"])
        #expect(bench.supervisor.instances.isEmpty && bench.supervisor.services.isEmpty)
        bench.host.refusals = [:]
        bench.submit(deployment(plan(removed: true)))
        bench.started("\(key)-1")
        bench.submit(.stop(services: [key], timeoutMilliseconds: nil))
        bench.ended("\(key)-1", 143)
        #expect(bench.supervisor.instances.isEmpty && bench.supervisor.services.isEmpty)
    }

    @Test func aRestartOfWhatItDependsOnLeavesItAlone() {
        bench.up(.test("db"))
        bench.submit(deployment(plan(after: ["db"])))
        bench.started("\(key)-1")
        _ = (bench.calls(), bench.takeReplies())
        bench.submit(.restart(services: ["db"], timeoutMilliseconds: nil, dependents: true))
        bench.ended("db-1", 0)
        bench.started("db-1")
        #expect(bench.takeReplies() == ["done"])
        #expect(!bench.calls().contains { $0.contains(key) })
    }

    @Test func aNameAndAPlanHaveToAgree() {
        var service = LaunchPlan.test("web")
        service.oneOff = OneOff(service: "web", name: "x", isRemovedAtEnd: true)
        var foreign = plan()
        foreign.oneOff?.service = "db"
        var restarting = plan()
        restarting.restart = .always
        for plan in [service, .test(key), foreign, restarting] {
            bench.submit(deployment(plan))
            #expect(bench.takeReplies()[0].hasPrefix("failed: "))
        }
        #expect(bench.calls().isEmpty && bench.supervisor.services.isEmpty)
    }

    @Test(arguments: ["web~0123456789ab", "a.b-c_d~aaaaaaaaaaaa"]) func aKeyIsAName(_ key: String) {
        #expect(InstanceName(service: key, index: 1).isValid)
    }

    @Test(arguments: ["web~", "web~0123456789aB", "web~0123456789abc", "~0123456789ab", "../x~0123456789ab", "web~x~0123456789ab", "web~0123456789/b"])
    func nothingElseWithATildeIs(_ key: String) {
        #expect(!InstanceName(service: key, index: 1).isValid)
    }

    @Test func oneThatIsAdoptedIsMaskedWhereItsMountsShowWhatIsMasked() {
        var plan = plan()
        plan.mounts = [.bind(source: "/home/me", target: "/mine", readOnly: false)]
        bench.submit(deployment(plan))
        bench.started("\(key)-1")
        let successor = Bench()
        successor.supervisor.adopt(bench.supervisor.record(bootID: "boot"), survivors: [bench.name("\(key)-1")], exitCode: { _ in nil })
        #expect(successor.supervisor.observe(supervisorPID: 1).oneOffs.map(\.status) == [.running])
        _ = successor.calls()
        successor.supervisor.replaced(["/home/me/key.txt"])
        #expect(successor.calls() == ["remask \(key) /home/me/key.txt /mine/key.txt"])
        // One that has ended meanwhile, and was to leave nothing, has left nothing.
        plan.oneOff?.isRemovedAtEnd = true
        let other = Bench()
        other.submit(deployment(plan))
        other.started("\(key)-1")
        let last = Bench()
        last.supervisor.adopt(other.supervisor.record(bootID: "boot"), survivors: [], exitCode: { _ in 0 })
        #expect(last.supervisor.instances.isEmpty && last.supervisor.services.isEmpty)
    }

    // MARK: Callers

    @Test func itsCallersDescriptorsAreClosedOnceItIsLaunched() throws {
        let wire = Wire()
        let pipe = try FileDescriptor.pipe()
        let descriptors = try #require(pass([pipe.read.number, pipe.write.number, pipe.write.number, pipe.write.number], over: wire))
        let numbers = descriptors.numbers
        submit(deployment(plan(), caller: .init()), descriptors)
        #expect(bench.calls() == ["launch \(key)-1 for its caller"])
        // The test holds the last reference.
        #expect(bench.instance("\(key)-1")?.caller == nil)
        #expect(numbers.allSatisfy { fcntl($0, F_GETFD) >= 0 })
    }

    @Test func whoeverCallsHasToCallForOneNewOneOff() throws {
        submit(.apply(Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 1)], caller: .init())), PassedDescriptors())
        submit(deployment(plan(), caller: .init()), PassedDescriptors())
        #expect(bench.takeReplies() == [
            "failed: somebody waits for a one-off, and 0 are created", "failed: the descriptors of a one-off did not come",
        ])
        #expect(bench.calls().isEmpty && bench.supervisor.instances.isEmpty)
    }

    private func submit(_ request: ControlRequest, _ descriptors: PassedDescriptors) {
        bench.supervisor.submit(StackSupervisor.Job(request, descriptors: descriptors) { [bench] in bench.note($0) })
    }

    private func pass(_ numbers: [Int32], over wire: Wire) -> PassedDescriptors? {
        wire.send([1], with: numbers)
        let passed = PassedDescriptors()
        let got = withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { passed.receive($0, from: wire.near.number) }
        return got.count == 1 && !got.overflow ? passed : nil
    }

    // MARK: The wire

    @Test func descriptorsComeWithTheMessageThatNeedsThem() throws {
        let wire = Wire()
        var reader = RequestReader()
        wire.send(try Wire.frame(deployment(plan(), caller: .init(terminal: WindowSize(rows: 24, columns: 80)))), with: [0])
        #expect(reader.read(from: wire.near.number).text.hasPrefix("apply"))
        let taken = reader.takeDescriptors()
        #expect(taken.numbers.count == 1 && fcntl(taken.numbers[0], F_GETFD) & FD_CLOEXEC != 0)
        #expect(reader.takeDescriptors().numbers.isEmpty)
    }

    @Test func otherDescriptorsAreRefusedAndClosed() throws {
        let wire = Wire()
        var reader = RequestReader()
        let cases: [(ControlRequest, Int, String)] = [
            (.observe, 2, "refused: the message comes with 2 descriptors, and needs 0"),
            (deployment(plan(), caller: .init()), 1, "refused: the message comes with 1 descriptors, and needs 4"),
            (.observe, 0, "observe"),
            (.observe, 7, "broken: a message has at most 4 descriptors"),
        ]
        for (request, count, answer) in cases {
            let pipe = try FileDescriptor.pipe()
            wire.send(try Wire.frame(request), with: Array(repeating: pipe.write.number, count: count))
            let end = pipe.takeReadEnd()
            #expect(reader.read(from: wire.near.number).text == answer)
            _ = reader.takeDescriptors()
            var state = pollfd(fd: end.number, events: Int16(POLLIN), revents: 0)
            #expect(poll(&state, 1, 0) == 1 && state.revents & Int16(POLLHUP) != 0)
        }
    }
}

extension Wire {
    /// Sends bytes with descriptors (SCM_RIGHTS).
    func send(_ bytes: [UInt8], with descriptors: [Int32]) {
        let count = bytes.withUnsafeBytes { clinux_send(number, $0.baseAddress, $0.count, descriptors, Int32(descriptors.count)) }
        precondition(count == bytes.count)
    }
}

import Reconciler
import Testing

@testable import Runner

/// `post_start` and `pre_stop`.
@Suite struct HookTests {
    private let bench = Bench()

    private func plan(postStart: [String] = [], preStop: [String] = []) -> LaunchPlan {
        var plan = LaunchPlan.test("web")
        plan.postStart = postStart.map { plan.command([$0]) }
        plan.preStop = preStop.map { plan.command([$0]) }
        return plan
    }

    private func begin(_ plans: LaunchPlan...) {
        bench.submit(.apply(Deployment(plans: plans, operations: plans.map { .create(service: $0.service, index: 1) })))
    }

    @Test func aStartIsDoneWhenItsHooksAre() {
        begin(plan(postStart: ["/a", "/b"]), .test("after", after: ["web"]))
        bench.started("web-1")
        #expect(bench.calls() == ["launch web-1", "run web-1 /a as 1"])
        bench.supervisor.commandEnded(1, code: 0, output: "")
        #expect(bench.calls() == ["run web-1 /b as 2"])
        bench.supervisor.commandEnded(2, code: 0, output: "")
        #expect(bench.calls() == ["launch after-1"])
    }

    @Test func oneThatFailsFailsTheStartAndTheServiceRunsOn() {
        begin(plan(postStart: ["/a", "/b"]), .test("after", after: ["web"]))
        bench.started("web-1")
        bench.supervisor.commandEnded(1, code: 4, output: "")
        #expect(bench.takeReplies() == [
            "failed: web-1: its post_start hook failed: it exited with status 4\nafter-1: 'web', which it depends on, did not start",
        ])
        #expect(bench.instance("web-1")?.phase == .running)
        #expect(bench.calls() == ["launch web-1", "run web-1 /a as 1"])
    }

    @Test func aServiceThatEndsDuringItsHooksHasNotStarted() {
        begin(plan(postStart: ["/a"]))
        bench.started("web-1")
        bench.ended("web-1", 5)
        #expect(bench.takeReplies() == ["failed: web-1: it ended with status 5 right after its start"])
        bench.supervisor.commandEnded(1, code: 137, output: "")
        #expect(bench.instance("web-1")?.phase == .exited)
    }

    @Test func theStopSignalComesAfterThePreStopHooks() {
        bench.up(plan(preStop: ["/a", "/b"]))
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        #expect(bench.calls() == ["run web-1 /a as 1"])
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.supervisor.commandEnded(2, code: 0, output: "")
        #expect(bench.calls() == ["run web-1 /b as 2", "signal web-1 15"])
        // Each has the whole grace period.
        bench.advance(9_999)
        #expect(bench.calls() == [])
        bench.advance(1)
        #expect(bench.calls() == ["signal web-1 9"])
    }

    @Test func oneThatHangsOrFailsKeepsNothingFromBeingStopped() {
        bench.up(plan(preStop: ["/a", "/b"]))
        bench.submit(.stop(services: nil, timeoutMilliseconds: 1000))
        bench.advance(1000)
        #expect(bench.calls() == ["run web-1 /a as 1", "end 1", "signal web-1 15"])
        bench.supervisor.commandEnded(1, code: 137, output: "")
        bench.advance(1000)
        #expect(bench.calls() == ["signal web-1 9"])
        bench.ended("web-1", 137)
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func oneThatFailsIsTold() {
        bench.up(plan(preStop: ["/a", "/b"]))
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        bench.supervisor.commandEnded(1, code: nil, output: "it is not there")
        #expect(bench.calls() == ["run web-1 /a as 1", "signal web-1 15"])
        #expect(bench.events.contains(#"web-1 hookFailed(hook: "pre_stop", reason: "it is not there")"#))
    }

    @Test func aShorterTimeoutCutsThemShort() throws {
        bench.up(plan(preStop: ["/a"]))
        bench.submit(.stop(services: nil, timeoutMilliseconds: 60_000))
        try bench.supervisor.hasten(services: nil, timeoutMilliseconds: 0)
        bench.advance(0)
        #expect(bench.calls() == ["run web-1 /a as 1", "end 1", "signal web-1 15", "signal web-1 9"])
    }

    @Test func aStopDuringPostStartHooksEndsThem() throws {
        begin(plan(postStart: ["/a"]))
        bench.started("web-1")
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        try bench.supervisor.hasten(services: nil, timeoutMilliseconds: nil)
        #expect(bench.calls() == ["launch web-1", "run web-1 /a as 1", "end 1", "signal web-1 15"])
        bench.ended("web-1", 0)
        #expect(bench.takeReplies() == ["failed: web-1: its start was given up, since it is to be stopped", "done"])
    }

    @Test func theyRunAtEveryStart() {
        var plan = plan(postStart: ["/a"])
        plan.restart = .always
        bench.up(plan)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.ended("web-1", 1)
        bench.advance(100)
        bench.started("web-1")
        #expect(bench.calls().last == "run web-1 /a as 2")
    }

    /// What a successor has of a service, until a command that can open the store has sent it more, does not say what its hooks are.
    @Test func hooksThatAreNotKnownAreNotLeftOutSilently() {
        bench.up(plan(preStop: ["/a"]), .test("db"))
        let record = bench.supervisor.record(bootID: "b")
        let successor = Bench()
        successor.supervisor.adopt(record, survivors: [bench.name("web-1"), bench.name("db-1")]) { _ in nil }
        successor.submit(.stop(services: nil, timeoutMilliseconds: nil))
        #expect(successor.calls() == ["signal db-1 15", "signal web-1 15"])
        #expect(successor.events.filter { $0.contains("hookFailed") }.map { $0.prefix(34) } == ["web-1 hookFailed(hook: \"pre_stop\","])
    }
}

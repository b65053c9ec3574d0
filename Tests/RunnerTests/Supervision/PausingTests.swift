import Testing

@testable import Runner

@Suite struct PausingTests {
    private let bench = Bench()

    private func checked() -> LaunchPlan {
        var plan = LaunchPlan.test("web")
        plan.healthCheck = HealthCheck(arguments: ["check"], intervalMilliseconds: 1000, timeoutMilliseconds: 500)
        return plan
    }

    @Test func aPausedInstanceIsSeenAsSuch() throws {
        bench.up(.test("web"), .test("db"))
        _ = try bench.supervisor.pause(services: ["web"])
        #expect(bench.calls() == ["freeze web-1"])
        #expect(bench.supervisor.observe(supervisorPID: 1).instances.map(\.isPaused) == [nil, true])
        #expect(throws: SupervisionError.self) { try bench.supervisor.pause(services: ["web"]) }
        // Of all, those that are not.
        _ = try bench.supervisor.pause(services: nil)
        #expect(bench.calls() == ["freeze db-1"])
        _ = try bench.supervisor.unpause(services: nil)
        #expect(bench.calls() == ["thaw db-1", "thaw web-1"])
        #expect(throws: SupervisionError.self) { try bench.supervisor.unpause(services: nil) }
        #expect(bench.events.suffix(4) == ["web-1 paused", "db-1 paused", "db-1 unpaused", "web-1 unpaused"])
    }

    @Test func whatIsPausedIsLetGoOnBeforeItIsStopped() throws {
        bench.up(.test("web"))
        _ = try bench.supervisor.pause(services: nil)
        _ = bench.calls()
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        #expect(bench.calls() == ["thaw web-1", "signal web-1 15"])
        bench.ended("web-1", 0)
        #expect(bench.takeReplies() == ["done"])
        #expect(bench.instance("web-1")?.isPaused == false)
    }

    @Test func shortPausesMakeNoMoreChecks() throws {
        bench.up(checked())
        for _ in 0..<5 {
            _ = try bench.supervisor.pause(services: nil)
            _ = try bench.supervisor.unpause(services: nil)
        }
        _ = bench.calls()
        bench.advance(50)
        #expect(bench.calls() == ["run web-1 check as 1"])
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.advance(1000)
        #expect(bench.calls() == ["run web-1 check as 2"])
        bench.supervisor.commandEnded(2, code: 0, output: "")
        bench.advance(999)
        #expect(bench.calls() == [])
    }

    @Test func checksStandStillToo() throws {
        bench.up(checked())
        bench.advance(50)
        #expect(bench.calls() == ["run web-1 check as 1"])
        _ = try bench.supervisor.pause(services: nil)
        // It is frozen with the rest: that it takes long is not its fault.
        bench.advance(10_000)
        #expect(bench.calls() == ["freeze web-1"])
        _ = try bench.supervisor.unpause(services: nil)
        bench.advance(400)
        #expect(bench.calls() == ["thaw web-1"])
        bench.supervisor.commandEnded(1, code: 0, output: "")
        #expect(bench.instance("web-1")?.health?.health.status == .healthy)
        // Another pause, with no check under way.
        _ = try bench.supervisor.pause(services: nil)
        bench.advance(10_000)
        #expect(bench.calls() == ["freeze web-1"])
        _ = try bench.supervisor.unpause(services: nil)
        bench.advance(1000)
        #expect(bench.calls() == ["thaw web-1", "run web-1 check as 2"])
    }

    @Test func whatCannotBeFrozenIsRefusedWithTheReason() {
        bench.up(.test("web"))
        bench.host.refusals["freeze"] = "no freezer"
        #expect(throws: SupervisionError.refused("web-1: no freezer")) { try bench.supervisor.pause(services: nil) }
        #expect(bench.instance("web-1")?.isPaused == false)
    }

    @Test func outOfMemoryIsToldOnceForEachKill() {
        bench.up(.test("web"))
        bench.supervisor.ranOutOfMemory(bench.name("web-1"), kills: 1)
        bench.supervisor.ranOutOfMemory(bench.name("web-1"), kills: 1)
        bench.supervisor.ranOutOfMemory(bench.name("web-1"), kills: 2)
        #expect(bench.events.filter { $0 == "web-1 outOfMemory" }.count == 2)
        #expect(bench.supervisor.observe(supervisorPID: 1).instances[0].ranOutOfMemory == true)
        // A new start begins anew.
        bench.submit(.restart(services: nil, timeoutMilliseconds: nil))
        bench.ended("web-1", 137)
        bench.started("web-1")
        #expect(bench.supervisor.observe(supervisorPID: 1).instances[0].ranOutOfMemory == nil)
    }
}

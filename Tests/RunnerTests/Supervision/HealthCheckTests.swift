import Reconciler
import Testing

@testable import Runner

/// Health checks of instances, as the supervisor runs them.
@Suite struct HealthCheckTests {
    private let bench = Bench()

    private func plan(retries: Int = 2) -> LaunchPlan {
        var plan = LaunchPlan.test("db")
        plan.healthCheck = HealthCheck(
            arguments: ["/bin/check"], intervalMilliseconds: 1000, timeoutMilliseconds: 500, retries: retries)
        return plan
    }

    private var status: ObservedHealth.Status? { bench.instance("db-1")?.observed.health?.status }

    @Test func itIsCheckedAgainAndAgainAndTold() {
        bench.up(plan())
        #expect(status == .starting)
        bench.advance(49)
        #expect(bench.calls() == [])
        bench.advance(1)
        #expect(bench.calls() == ["run db-1 /bin/check as 1"])
        bench.supervisor.commandEnded(1, code: 0, output: "fine")
        #expect(status == .healthy)
        #expect(bench.instance("db-1")?.observed.health?.output == "fine")
        bench.advance(1000)
        #expect(bench.calls() == ["run db-1 /bin/check as 2"])
        #expect(bench.events.last == "db-1 healthy")
    }

    @Test func oneThatHangsIsKilledAndHasFailedAndTheNextWaitsForItsEnd() {
        bench.up(plan(retries: 1))
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.advance(1000)
        bench.advance(500)
        #expect(bench.calls() == ["run db-1 /bin/check as 1", "run db-1 /bin/check as 2", "end 2"])
        #expect(status == .unhealthy)
        #expect(bench.instance("db-1")?.observed.health?.exitCode == nil)
        bench.advance(5000)
        #expect(bench.calls() == [])
        bench.supervisor.commandEnded(2, code: 137, output: "killed")
        #expect(bench.instance("db-1")?.observed.health?.failures == 1)
        bench.advance(1000)
        #expect(bench.calls() == ["run db-1 /bin/check as 3"])
    }

    /// Checks that are over leave nothing behind that the supervisor would wake up for, or keep in memory.
    @Test func oneDeadlineStandsForTheTimeOfAllChecks() {
        var plan = plan()
        plan.healthCheck?.timeoutMilliseconds = 3_600_000
        bench.up(plan)
        bench.advance(50)
        for id in 1...100 {
            bench.supervisor.commandEnded(UInt64(id), code: 0, output: "")
            bench.advance(1000)
        }
        #expect(bench.calls().count == 101)
        bench.submit(.stop(services: nil, timeoutMilliseconds: nil))
        bench.ended("db-1")
        var awakenings = 0
        while let next = bench.supervisor.nextDeadline {
            bench.advance(max(next - bench.time, 0))
            awakenings += 1
        }
        #expect(awakenings <= 3)
    }

    @Test func timesWithoutEndAreWaitedForWithoutEnd() {
        var plan = LaunchPlan.test("db", restart: .always)
        plan.restartLimits = RestartLimits(delayMilliseconds: .max)
        plan.healthCheck = HealthCheck(arguments: ["/bin/check"], intervalMilliseconds: .max, timeoutMilliseconds: .max)
        bench.up(plan)
        bench.advance(50)
        #expect(bench.calls() == ["run db-1 /bin/check as 1"])
        bench.advance(1 << 40)
        bench.supervisor.commandEnded(1, code: 0, output: "fine")
        #expect(status == .healthy)
        bench.advance(1 << 40)
        bench.ended("db-1", 1)
        bench.advance(1 << 40)
        #expect(bench.calls() == [])
        #expect(bench.supervisor.nextDeadline == .max)
    }

    @Test func oneThatCannotBeRunHasFailed() {
        bench.host.refusals["/bin/check"] = "no room"
        bench.up(plan(retries: 1))
        bench.advance(50)
        bench.advance(1000)
        #expect(status == .unhealthy)
        #expect(bench.instance("db-1")?.observed.health?.output == "no room")
    }

    @Test func nobodyIsCheckedWhoDoesNotRun() {
        bench.up(plan())
        bench.advance(50)
        _ = bench.calls()
        bench.ended("db-1", 1)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.advance(10_000)
        #expect(bench.calls() == [])
        #expect(status == nil)
    }

    @Test func itIsCheckedAnewAfterARestart() {
        var plan = plan()
        plan.restart = .always
        bench.up(plan)
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.ended("db-1", 1)
        bench.advance(100)
        bench.started("db-1")
        #expect(status == .starting)
        bench.advance(50)
        #expect(bench.calls().last == "run db-1 /bin/check as 2")
    }

    @Test func aSuccessorGoesOnFromWhatIsOnRecord() {
        bench.up(plan())
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 0, output: "secret")
        let record = bench.supervisor.record(bootID: "boot")
        #expect(record.instances[0].health == ObservedHealth(status: .healthy, checkedAt: record.instances[0].health?.checkedAt, exitCode: 0))

        let successor = Bench()
        successor.supervisor.adopt(record, survivors: [successor.name("db-1")]) { _ in nil }
        #expect(successor.instance("db-1")?.observed.health?.status == .healthy)
        successor.submit(.provide([plan()], StackSurroundings()))
        successor.advance(1000)
        #expect(successor.calls().contains("run db-1 /bin/check as 1"))
        #expect(successor.instance("db-1")?.observed.health?.status == .healthy)
    }
}

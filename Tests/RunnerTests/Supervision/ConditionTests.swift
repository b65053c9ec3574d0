import Reconciler
import Testing

@testable import Runner

/// `depends_on` with a condition.
@Suite struct ConditionTests {
    private let bench = Bench()

    private func database() -> LaunchPlan {
        var plan = LaunchPlan.test("db")
        plan.healthCheck = HealthCheck(arguments: ["/bin/check"], intervalMilliseconds: 1000, retries: 1)
        return plan
    }

    private func begin(_ plans: LaunchPlan...) {
        bench.submit(.apply(Deployment(plans: plans, operations: plans.map { .create(service: $0.service, index: 1) })))
    }

    @Test func aServiceWaitsUntilWhatItNeedsIsHealthy() {
        begin(database(), .test("web", after: [Dependency("db", .healthy)]))
        bench.started("db-1")
        #expect(bench.calls() == ["launch db-1"])
        #expect(bench.events.last == #"web-1 waiting(until: "db is healthy")"#)
        bench.advance(50)
        #expect(bench.calls() == ["run db-1 /bin/check as 1"])
        bench.supervisor.commandEnded(1, code: 0, output: "")
        #expect(bench.calls() == ["launch web-1"])
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func itDoesNotStartWhereThatIsUnhealthy() {
        begin(database(), .test("web", after: [Dependency("db", .healthy)]))
        bench.started("db-1")
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 1, output: "")
        bench.advance(100)
        bench.supervisor.commandEnded(2, code: 1, output: "")
        bench.advance(1000)
        bench.supervisor.commandEnded(3, code: 1, output: "no connection\nrefused\n")
        #expect(bench.takeReplies() == ["failed: web-1: 'db', which it depends on, is unhealthy: refused"])
        #expect(!bench.calls().contains("launch web-1"))
    }

    @Test func itDoesNotStartWhereThatHasExited() {
        begin(database(), .test("web", after: [Dependency("db", .healthy)]), .test("front", after: ["web"]))
        bench.started("db-1")
        bench.ended("db-1", 3)
        #expect(bench.takeReplies() == [
            "failed: web-1: 'db', which it depends on, has exited (3)\nfront-1: 'web', which it depends on, did not start",
        ])
    }

    @Test func whatIsNotStartedKeepsHowItEnded() throws {
        begin(database(), .test("web", after: [Dependency("db", .healthy)]))
        bench.started("db-1")
        bench.ended("db-1", 3)
        let web = try #require(bench.supervisor.observe(supervisorPID: 1).instances.first { $0.service == "web" })
        #expect(web.wasNeverStarted && web.endStatus == nil && web.command == LaunchPlan.test("web").arguments)
        bench.submit(.start(services: ["db", "web"]))
        bench.started("db-1")
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.started("web-1")
        bench.ended("web-1", 0)
        bench.ended("db-1", 3)
        bench.submit(.start(services: ["web"]))
        #expect(bench.takeReplies().last == "failed: web-1: 'db', which it depends on, has exited (3)")
        #expect(bench.instance("web-1")?.observed.endStatus == 0 && bench.instance("web-1")?.observed.wasNeverStarted == false)
    }

    @Test func itStartsAllTheSameWhereThatIsNotRequired() {
        begin(database(), .test("web", after: [Dependency("db", .healthy, isRequired: false)]))
        bench.started("db-1")
        bench.ended("db-1", 3)
        #expect(bench.calls() == ["launch db-1", "launch web-1"])
    }

    @Test func itStartsAllTheSameWhereWhatIsNotRequiredCannotStart() {
        bench.host.refusals["db"] = "no"
        begin(database(), .test("web", after: [Dependency("db", isRequired: false)]))
        #expect(bench.calls() == ["refuse db-1", "launch web-1"])
    }

    @Test func oneThatComesBackIsWaitedFor() {
        var database = database()
        database.restart = .always
        begin(database, .test("web", after: [Dependency("db", .healthy)]))
        bench.started("db-1")
        bench.ended("db-1", 3)
        bench.advance(100)
        bench.started("db-1")
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        #expect(bench.calls().last == "launch web-1")
    }

    @Test func aServiceWaitsUntilAnotherHasCompleted() {
        begin(.test("migrate"), .test("web", after: [Dependency("migrate", .completed)]))
        bench.started("migrate-1")
        #expect(bench.calls() == ["launch migrate-1"])
        bench.ended("migrate-1", 0)
        #expect(bench.calls() == ["launch web-1"])
    }

    @Test func itDoesNotStartWhereThatDidNotComplete() {
        begin(.test("migrate"), .test("web", after: [Dependency("migrate", .completed)]))
        bench.started("migrate-1")
        bench.ended("migrate-1", 2)
        #expect(bench.takeReplies() == ["failed: web-1: 'migrate', which it depends on, did not complete: it exited (2)"])
    }

    @Test func whoWantsAnEndIsNotKeptWaitingByAStartThatWaits() throws {
        begin(database(), .test("web", after: [Dependency("db", .healthy)]))
        bench.started("db-1")
        bench.submit(.down(services: nil, timeoutMilliseconds: nil))
        #expect(bench.takeReplies() == [])
        try bench.supervisor.hasten(services: nil, timeoutMilliseconds: nil)
        #expect(bench.takeReplies() == ["failed: web-1: its start was given up, since it is to be stopped"])
        bench.ended("db-1", 0)
        #expect(bench.takeReplies() == ["done"])
    }

    @Test func whatDependsOnAStartThatIsGivenUpDoesNotStart() throws {
        begin(database(), .test("web", after: [Dependency("db", .healthy)]), .test("front", after: ["web"]))
        bench.started("db-1")
        _ = bench.calls()
        try bench.supervisor.hasten(services: ["web"], timeoutMilliseconds: nil)
        #expect(bench.takeReplies() == [
            "failed: web-1: its start was given up, since it is to be stopped\nfront-1: 'web', which it depends on, did not start",
        ])
        #expect(bench.calls() == [])
    }

    @Test func aJobThatCouldNotStartHasNotCompleted() {
        bench.up(.test("migrate"))
        bench.ended("migrate-1", 0)
        bench.host.refusals["migrate"] = "no"
        bench.submit(.start(services: ["migrate"]))
        _ = bench.takeReplies()
        begin(.test("web", after: [Dependency("migrate", .completed)]))
        #expect(bench.takeReplies() == ["failed: web-1: 'migrate', which it depends on, did not start"])
    }

    @Test func whoeverAsksASupervisorThatEndsIsTold() {
        bench.up(.test("web"))
        bench.supervisor.stopEverything(because: "it was asked to")
        begin(.test("late"))
        #expect(bench.takeReplies() == ["failed: the supervisor is ending; run the command again"])
        #expect(!bench.calls().contains("launch late-1"))
    }

    @Test func aRestartWaitsForNothingThatIsNotWell() {
        bench.up(database(), .test("web", after: [Dependency("db", .healthy)]))
        bench.advance(50)
        bench.supervisor.commandEnded(1, code: 0, output: "")
        bench.started("web-1")
        bench.advance(1000)
        bench.supervisor.commandEnded(2, code: 1, output: "")
        _ = bench.calls()
        bench.submit(.restart(services: ["web"], timeoutMilliseconds: nil))
        bench.ended("web-1", 0)
        #expect(bench.calls() == ["signal web-1 15", "launch web-1"])
    }

    @Test func aRestartTakesThoseAlongThatAskForIt() {
        bench.up(.test("db"), .test("web", after: [Dependency("db", restarts: true)]), .test("other", after: ["db"]))
        bench.submit(.restart(services: ["db"], timeoutMilliseconds: nil, dependents: true))
        bench.ended("web-1")
        bench.ended("db-1")
        bench.started("db-1")
        bench.started("web-1")
        #expect(bench.calls() == ["signal web-1 15", "signal db-1 15", "launch db-1", "launch web-1"])
        #expect(bench.takeReplies() == ["done"])
    }
}

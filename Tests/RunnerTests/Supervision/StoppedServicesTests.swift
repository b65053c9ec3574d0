import Glibc
import JSON
import Linux
import Testing

@testable import Runner

/// What is remembered for the host's next start.
@Suite struct StoppedServicesTests {
    private let bench = Bench()

    private var stopped: Set<String> {
        bench.supervisor.updateStoppedServices()
        return bench.supervisor.stoppedServices
    }

    private func stop(_ services: String..., byHost: Bool = false) {
        bench.submit(.stop(services: services, timeoutMilliseconds: nil, byHost: byHost))
        for service in services { bench.ended("\(service)-1") }
    }

    private func hold(_ service: String) { bench.submit(.apply(Deployment(plans: [.test(service, restart: .unlessStopped)], operations: [.hold(service: service, index: 1)]))) }

    @Test func whatAPersonStopsIsRememberedAndNothingElse() {
        bench.up(.test("web", restart: .unlessStopped), .test("always", restart: .always), .test("job", restart: .unlessStopped))
        #expect(stopped.isEmpty)
        stop("web", "always")
        bench.ended("job-1", 1)
        #expect(stopped == ["web"])
    }

    @Test func whoeverStartsItAgainHasItForgotten() {
        for request in [
            ControlRequest.start(services: ["web"]), .restart(services: ["web"], timeoutMilliseconds: nil),
            .apply(Deployment(operations: [.start(service: "web", index: 1)])), .apply(Deployment(operations: [.recreate(service: "web", index: 1)])),
            .down(services: ["web"], timeoutMilliseconds: nil),
        ] {
            let bench = Bench()
            bench.up(.test("web", restart: .unlessStopped))
            bench.submit(.stop(services: ["web"], timeoutMilliseconds: nil))
            bench.ended("web-1")
            bench.supervisor.updateStoppedServices()
            #expect(bench.supervisor.stoppedServices == ["web"])
            bench.submit(request)
            bench.supervisor.updateStoppedServices()
            #expect(bench.supervisor.stoppedServices.isEmpty, "\(request)")
        }
    }

    @Test func theHostsEndIsNoPersonsStop() {
        bench.up(.test("web", restart: .unlessStopped), .test("db", restart: .unlessStopped))
        stop("web")
        stop("db", byHost: true)
        #expect(stopped == ["web"])
        // Nor does it undo one.
        stop("web", byHost: true)
        #expect(stopped == ["web"])
    }

    @Test func oneThatASignalDoesNotEndIsNotStopped() {
        bench.up(.test("web", restart: .unlessStopped))
        _ = try? bench.supervisor.kill(services: ["web"], signal: 15)
        #expect(stopped.isEmpty)
        bench.ended("web-1", 143)
        #expect(stopped == ["web"])
    }

    @Test func aSupervisorThatWasJustStartedForgetsNothing() {
        bench.supervisor.stoppedServices = ["web", "db"]
        bench.up(.test("db", restart: .unlessStopped))
        #expect(stopped == ["web"])
    }

    @Test func whatIsHeldIsThereAndStoppedUntilItIsStarted() throws {
        bench.supervisor.stoppedServices = ["web"]
        hold("web")
        #expect(bench.takeReplies() == ["done"] && bench.calls().isEmpty)
        let observed = try #require(bench.supervisor.observe(supervisorPID: 1).instances.first)
        #expect(observed.status == .exited && observed.wasNeverStarted && observed.stoppedByUser)
        #expect(stopped == ["web"])
        bench.submit(.start(services: ["web"]))
        #expect(bench.calls() == ["launch web-1"])
        #expect(stopped.isEmpty)
        // Nothing that runs is held.
        bench.started("web-1")
        hold("web")
        #expect(bench.instance("web-1")?.phase == .running && bench.calls().isEmpty)
    }

    @Test func othersDoNotWaitForWhatIsHeld() throws {
        var database = LaunchPlan.test("db", restart: .unlessStopped)
        database.healthCheck = HealthCheck(arguments: ["/bin/check"])
        let plans = [database, .test("web", after: [Dependency("db", .healthy)])]
        bench.submit(.apply(Deployment(plans: plans, operations: [.hold(service: "db", index: 1), .create(service: "web", index: 1)])))
        bench.started("web-1")
        #expect(bench.takeReplies() == ["done"] && bench.calls() == ["launch web-1"])

        // Nor do they where the supervisor was replaced meanwhile.
        let record = try JSON.decode(StateRecord.self, from: JSON.encode(bench.supervisor.record(bootID: "b")))
        let successor = Bench()
        successor.supervisor.adopt(record, survivors: []) { _ in 0 }
        successor.submit(.provide(plans, StackSurroundings()))
        successor.submit(.start(services: ["web"]))
        successor.started("web-1")
        #expect(successor.takeReplies() == ["done", "done"] && successor.calls() == ["launch web-1"])
    }

    @Test func theyAreFoundWhenNothingOfTheStackRuns() throws {
        let temporary = TemporaryDirectory()
        let directories = StackDirectories(runtime: temporary.path + "/run/demo", logs: temporary.path + "/logs/demo")
        #expect(try StoppedServices.of(directories).isEmpty)
        let opened = try RuntimeDirectory.openPrivate(directories.logs, create: true)
        let logs = try #require(opened)
        try StoppedServices.write(["web", "db"], in: logs)
        #expect(try StoppedServices.of(directories) == ["web", "db"])
        try StoppedServices.sync(directories)
        for noise in ["", "[", "{}", "[1]", "null"] {
            try FileDescriptor.open(directories.logs + "/" + StoppedServices.fileName, O_WRONLY | O_TRUNC).writeAll(Array(noise.utf8))
            #expect(try StoppedServices.of(directories).isEmpty)
        }
        try StoppedServices.write([], in: logs)
        #expect(DirectoryListing.names(in: logs.descriptor.number).isEmpty)
    }
}

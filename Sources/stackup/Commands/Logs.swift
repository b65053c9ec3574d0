import Glibc
import Runner
import Terminal

/// `stackup logs`: what the services wrote.
enum Logs {
    static let command = Command(
        "logs", summary: "Show the services' output",
        examples: [
            .init("stackup logs -f --tail 20 web", "web's last lines, and what comes"),
            .init("stackup logs --since 10m -t", "the last ten minutes, with times"),
        ],
        options: [
            .flag("follow", short: "f", help: "Go on with what comes, until nothing runs any more"),
            .value("tail", short: "n", "N", help: "Only this many lines from the end of each instance's log, or all"),
            .value("since", "TIME", help: "Only what is newer: 2026-01-31, 2026-01-31T10:00:00, or 10m for ten minutes ago"),
            .value("until", "TIME", help: "Only what is older, in the same forms"),
            .flag("timestamps", short: "t", help: "Show when each line was written"),
            .flag("no-log-prefix", help: "Don't print a prefix before each line"),
            .flag("no-color", help: "Don't colour the prefixes"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let (tail, since, until) = (try tail(invocation), try invocation.moment("since"), try invocation.moment("until"))
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .observing)
        let state = try session.observe()
        let directories = session.directories
        let services = try target.services(named: invocation.operands, observed: state, record: session.record)
        // What else the record has, an earlier file had.
        let known = services ?? (target.definedServices ?? []) + state.instances.map(\.service)
        for service in Set(known).sorted() where session.record?.services[service]?.plan.logging?.isKept == false {
            invocation.streams.warn("the output of service '\(service)' is not kept here; 'logging' in its Compose file says so")
        }
        // To follow may take days; the store's keys are of no use for it.
        _ = consume session
        invocation.forgetKeys()
        guard access(directories.logs, F_OK) == 0 else { return 0 }
        let events = invocation.flag("follow") ? try SupervisorClient.connect(directories) : nil
        try events?.subscribe()
        let reader = try LogReader(
            directory: directories.logs, of: services.map(LogSelection.services) ?? .all, tail: tail, since: since, until: until)
        var printer = LogPrinter(
            invocation, instances: state.instances.filter { services?.contains($0.service) ?? ($0.oneOff == nil) }, to: .output)
        if let events, let supervisor = try SupervisorClient.connect(directories) {
            let follower = LogFollower(
                supervisor, events: events, reader: reader, printer: printer, directories: directories, services: services)
            _ = try follower.follow(until: until)
        } else {
            reader.readAvailable { printer.print($0) }
            printer.finish()
        }
        return 0
    }

    private static func tail(_ invocation: Invocation) throws -> Int? {
        invocation.value("tail") == "all" ? nil : try invocation.arguments.integer("tail")
    }
}

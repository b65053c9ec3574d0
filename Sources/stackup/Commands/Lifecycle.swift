import Compose
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// The shape that `stop`, `start`, `restart`, `kill`, `pause` and `unpause` share: find the supervisor, ask it, show what happens. Where no
/// service is named, what no file defines is left alone, as in Compose.
///
/// - Parameters:
///   - isConcerned: whether there is something to do for an instance.
///   - oneOffs: whether a service's one-offs are meant with it.
///   - orphans: whether what no file defines is meant, too.
///   - timeout: for a request that ends instances, how many milliseconds each has for it; nil in it: its own grace period.
///   - startsAgain: whether what has ended is started, for which its files have to be there.
///   - isAtOnce: whether it is not to wait for other commands that work on the stack.
///   - otherwise: what to do where there is no such instance; as in Compose, mostly no failure. It gets the services as they were named,
///     and what would have been concerned, had it been named.
///   - request: asks for the services that have one.
func act(
    _ invocation: Invocation, title: String, on isConcerned: (ObservedInstance) -> Bool = { _ in true },
    withOneOffs oneOffs: Bool = false, withOrphans: Bool = false, ending timeout: Int64?? = nil, startsAgain: Bool = false, isAtOnce: Bool = false,
    otherwise: (_ stack: String, _ services: [String]?, _ orphans: [String]) throws -> Void,
    _ request: (SupervisorClient, [String], (InstanceEvent) -> Void) throws -> Void
) throws -> Int32 {
    let target = try invocation.targetStack()
    // The lock would make the folder of a stack that is not there.
    let exists = access(invocation.paths.directories(of: target.name).runtime, F_OK) == 0
    let hastened = timeout.map { target.hasten(invocation, services: invocation.operands, timeoutMilliseconds: $0) } ?? []
    let session = try StackSession(target.name, invocation, for: exists && !isAtOnce ? .changing : .observing)
    let state = try session.observe()
    let supervisor = try session.supervisor()
    let named = try target.services(named: invocation.operands, observed: state, record: session.record)
    let meant = state.instances.filter { instance in
        instance.oneOff == nil || oneOffs
            ? named?.contains(instance.ownService) ?? true || named?.contains(instance.service) ?? true
            : named?.contains(instance.service) ?? false
    }.filter(isConcerned)
    let defined = named == nil && !withOrphans ? target.definedServices : nil
    let concerned = Set(meant.filter { defined?.contains($0.ownService) ?? true }.map(\.service)).sorted()
    guard let supervisor, !concerned.isEmpty else {
        try otherwise(target.name, named == nil ? nil : invocation.operands, Set(meant.map(\.ownService)).sorted())
        return 0
    }
    if startsAgain { try session.restoreFiles(to: supervisor, state) { concerned.contains($0.service) } }
    let display = InstanceProgress(invocation.streams, title: title)
    defer { display.finish() }
    display.follow(supervisor)
    display.show(hastened, now: state)
    try request(supervisor, concerned) { display.show($0) }
    guard display.failures.isEmpty else { throw CommandFailure(display.failures.joined(separator: "\n")) }
    return 0
}

/// `nothing to kill: 'web' of 'shop' does not run`
///
/// - Parameter orphans: what does, though no file defines it.
func nothing(to verb: String, _ stack: String, _ services: [String]? = nil, but orphans: [String] = []) -> String {
    guard orphans.isEmpty else {
        return "nothing to \(verb) of what the Compose files of '\(stack)' define; what they don't can be named: stackup \(verb) \(orphans.joined(separator: " "))"
    }
    guard let services else { return "nothing to \(verb): nothing of '\(stack)' runs" }
    let names = services.map { "'\($0)'" }.joined(separator: ", ")
    return "nothing to \(verb): \(names) of '\(stack)' \(services.count == 1 ? "does" : "do") not run"
}

private let timeoutOption = Command.Option.value(
    "timeout", short: "t", "SECONDS",
    help: "How long to wait before a kill; default: each service's stop_grace_period")

/// `stackup stop`.
enum Stop {
    static let command = Command(
        "stop", summary: "Stop services",
        discussion: "Sends each service its stop_signal, waits for its stop_grace_period, then kills what is left.",
        examples: [.init("stackup stop web", "stop one service"), .init("stackup stop -t 1", "stop all, with one second's grace")],
        options: [timeoutOption], arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let timeout = try invocation.seconds("timeout").map { $0 * 1000 }
        return try act(invocation, title: "Stopping", ending: timeout, otherwise: { invocation.streams.note(nothing(to: "stop", $0, $1, but: $2)) }) {
            supervisor, services, onEvent in
            // What becomes of others meanwhile is none of it.
            try supervisor.stop(services: services, timeoutMilliseconds: timeout) { if services.contains($0.service) { onEvent($0) } }
            try supervisor.keepStopsThroughPowerFailure()
        }
    }
}

/// `stackup start`.
enum Start {
    static let command = Command(
        "start", summary: "Start services that were stopped",
        examples: [.init("stackup start", "start all that stands still")], arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        try act(
            invocation, title: "Starting", startsAgain: true,
            otherwise: { stack, services, orphans in
                guard orphans.isEmpty else { throw CommandFailure(nothing(to: "start", stack, services, but: orphans)) }
                let names = services.map { " " + $0.joined(separator: " ") } ?? ""
                throw CommandFailure("there is nothing of '\(stack)' to start; create it with: stackup up -d\(names)")
            },
            { supervisor, services, onEvent in
                do {
                    try supervisor.start(services: services, onEvent: onEvent)
                } catch SupervisionError.refused(let reason) {
                    let missing = try standing(that: services, need: supervisor)
                    guard !missing.isEmpty else { throw SupervisionError.refused(reason) }
                    let them = missing.count == 1 ? "it" : "them"
                    throw CommandFailure("\(reason); start \(them) too: stackup start \((missing + services).joined(separator: " "))")
                }
            })
    }

    /// What services wait for in vain where they alone are started.
    private static func standing(that services: [String], need supervisor: SupervisorClient) throws -> [String] {
        let ended = try supervisor.observe().replicas.filter { $0.status == .exited && !services.contains($0.service) }
        let needed = services.flatMap { (try? supervisor.plan(of: $0))?.dependencies ?? [] }.filter { dependency in
            dependency.isRequired && ended.contains { $0.service == dependency.service && (dependency.condition != .completed || $0.exitCode != 0) }
        }
        return Set(needed.map(\.service)).sorted()
    }
}

/// `stackup restart`.
enum RestartCommand {
    static let command = Command(
        "restart", summary: "Stop services and start them again",
        discussion: """
            Changes in the Compose files are not taken up; 'stackup up -d' does that. Services that depend on those named with \
            'restart: true' are restarted, too.
            """,
        examples: [
            .init("stackup restart web", "restart one service"),
            .init("stackup restart --no-deps db", "and nothing that depends on it"),
        ],
        options: [timeoutOption, .flag("no-deps", help: "Leave services alone that depend on these")], arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let timeout = try invocation.seconds("timeout").map { $0 * 1000 }
        return try act(
            invocation, title: "Restarting", ending: timeout, startsAgain: true, otherwise: { invocation.streams.note(nothing(to: "restart", $0, $1, but: $2)) }
        ) { try $0.restart(services: $1, timeoutMilliseconds: timeout, dependents: !invocation.flag("no-deps"), onEvent: $2) }
    }
}

/// `stackup kill`.
enum Kill {
    static let command = Command(
        "kill", summary: "Send services a signal",
        examples: [
            .init("stackup kill web", "end it at once (SIGKILL)"),
            .init("stackup kill -s SIGHUP web", "have it read its configuration again"),
        ],
        options: [
            .value("signal", short: "s", "SIGNAL", help: "The signal (default SIGKILL)"),
            .flag("remove-orphans", help: "Send it to services that the files no longer define, too"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.value("signal") ?? "SIGKILL"
        guard let signal = Signals.number(name) else {
            throw invocation.arguments.usageError(
                "option '--signal' needs a signal, not '\(name)'", remedy: "write for example SIGTERM, SIGHUP or 15")
        }
        return try act(
            invocation, title: "Killing", on: { $0.pid != nil }, withOneOffs: true, withOrphans: invocation.removesOrphans, isAtOnce: true,
            otherwise: { invocation.streams.note(nothing(to: "kill", $0, $1, but: $2)) }
        ) { try $0.kill(services: $1, signal: signal, onEvent: $2) }
    }
}

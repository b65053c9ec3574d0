import Compose
import Linux
import Reconciler
import Runner
import Terminal

/// The services that a command on a running stack was given, checked against what is there.
///
/// - Returns: nil where none was given: all of them.
func selectedServices(_ invocation: Invocation, _ state: ObservedState) throws(CommandFailure) -> [String]? {
    guard !invocation.operands.isEmpty else { return nil }
    let known = Set(state.instances.map(\.service))
    for name in invocation.operands where !known.contains(name) {
        let hint = known.isEmpty ? "nothing runs; start it with: stackup up -d" : "running are: \(known.sorted().joined(separator: ", "))"
        throw CommandFailure("no such service: \(name) (\(hint))")
    }
    return invocation.operands
}

/// The shape that `stop`, `start`, `restart` and `kill` share: find the supervisor, ask it, show what happens.
private func act(
    _ invocation: Invocation, title: String, _ request: (SupervisorClient, [String]?, (InstanceEvent) -> Void) throws -> Void
) throws -> Int32 {
    let session = try StackSession(try invocation.projectName(), invocation, for: .changing)
    guard let supervisor = try session.supervisor() else {
        throw CommandFailure("nothing of '\(session.name)' runs; start it with: stackup up -d")
    }
    let state = try supervisor.observe()
    let services = try selectedServices(invocation, state)
    let display = InstanceProgress(invocation.streams, title: title)
    defer { display.finish() }
    display.follow(supervisor)
    try request(supervisor, services) { display.show($0) }
    guard display.failures.isEmpty else { throw CommandFailure(display.failures.joined(separator: "\n")) }
    return 0
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
        return try act(invocation, title: "Stopping") { try $0.stop(services: $1, timeoutMilliseconds: timeout, onEvent: $2) }
    }
}

/// `stackup start`.
enum Start {
    static let command = Command(
        "start", summary: "Start services that were stopped",
        examples: [.init("stackup start", "start all that stands still")], arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        try act(invocation, title: "Starting") { try $0.start(services: $1, onEvent: $2) }
    }
}

/// `stackup restart`.
enum RestartCommand {
    static let command = Command(
        "restart", summary: "Stop services and start them again",
        discussion: "Changes in the Compose files are not taken up; 'stackup up -d' does that.",
        examples: [.init("stackup restart web", "restart one service")],
        options: [timeoutOption], arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let timeout = try invocation.seconds("timeout").map { $0 * 1000 }
        return try act(invocation, title: "Restarting") { try $0.restart(services: $1, timeoutMilliseconds: timeout, onEvent: $2) }
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
        options: [.value("signal", short: "s", "SIGNAL", help: "The signal (default SIGKILL)")], arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.value("signal") ?? "SIGKILL"
        guard let signal = Signals.number(name) else {
            throw invocation.arguments.usageError(
                "option '--signal' needs a signal, not '\(name)'", remedy: "write for example SIGTERM, SIGHUP or 15")
        }
        return try act(invocation, title: "Killing") { client, services, _ in try client.kill(services: services, signal: signal) }
    }
}

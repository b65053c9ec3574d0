import Glibc
import JSON
import Linux
import Runner
import Terminal

/// `stackup events`: what happens in a stack, as it happens.
enum Events {
    static let command = Command(
        "events", summary: "Show what happens, as it happens",
        discussion: "Goes on until the stack is taken down, or until Ctrl-C. What happened before it was started is not shown.",
        examples: [
            .init("stackup events", "a line for each thing that happens"),
            .init("stackup events --json web", "web's only, for tools"),
        ],
        options: [.flag("json", help: "An object on a line for each")],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .observing)
        let services = try target.services(named: invocation.operands, observed: try session.observe(), record: session.record)
        let directories = session.directories
        // To look on may take days; the store's keys are of no use for it.
        _ = consume session
        guard let supervisor = try SupervisorClient.connect(directories) else { return 0 }
        try supervisor.subscribe()
        while let event = try supervisor.nextEvent() {
            guard services?.contains(event.service) ?? true, let line = EventLine(event, project: target.name) else { continue }
            invocation.streams.print(invocation.flag("json") ? line.document.serialized() : line.text)
        }
        return 0
    }
}

/// An event in Docker's words.
struct EventLine {
    private let type: String
    private let action: String
    private let id: String
    private let service: String
    private let attributes: [JSONValue.Member]
    private let time = LogTime.now()

    /// - Returns: nil for what Docker has no event for.
    init?(_ event: InstanceEvent, project: String) {
        let instance = event.index.map { "\(project)-\(event.service)-\($0)" }
        var more: [JSONValue.Member] = []
        switch event.kind {
        case .created: action = "create"
        case .started: action = "start"
        case .exited(let code):
            action = "die"
            more = [.init("exitCode", .string("\(code)"))]
        case .signalled(let signal):
            action = "kill"
            more = [.init("signal", .string("\(signal)"))]
        case .stopped: action = "stop"
        case .removed: action = "destroy"
        case .failed(let reason):
            action = "fail"
            more = [.init("reason", .string(reason))]
        case .fileWritten(let target):
            action = "update"
            more = [.init("target", .string(target))]
        case .fileRemoved(let target):
            action = "remove"
            more = [.init("target", .string(target))]
        case .renewed(let secret):
            action = "renew"
            more = [.init("name", .string(secret))]
        case .renewalFailed(let secret, let reason):
            action = "fail"
            more = [.init("name", .string(secret)), .init("reason", .string(reason))]
        case .starting, .restarting, .stopping: return nil
        }
        switch event.kind {
        case .renewed(let secret), .renewalFailed(let secret, _): (type, id) = ("secret", secret)
        case .fileWritten, .fileRemoved: (type, id) = ("file", "\(project)-\(event.service)")
        default: (type, id) = ("container", instance ?? "\(project)-\(event.service)")
        }
        service = event.service
        attributes = type == "container" ? [.init("image", .string("-")), .init("name", .string(id))] + more : more
    }

    /// `2026-01-02 03:04:05.678901 container start demo-web-1 (image=-, name=demo-web-1)`, as Compose writes it.
    var text: String {
        let details = attributes.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value.stringValue ?? "")" }.joined(separator: ", ")
        return sanitizedForTerminal("\(moment) \(type) \(action) \(id) (\(details))")
    }

    /// Compose's members.
    var document: JSONValue {
        .object([
            .init("action", .string(action)), .init("attributes", .object(attributes)), .init("id", .string(id)),
            .init("service", .string(service)), .init("time", .string(time.description)), .init("type", .string(type)),
        ])
    }

    /// In local time, with microseconds.
    private var moment: String {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var fields = tm()
        localtime_r(&seconds, &fields)
        var text = [CChar](repeating: 0, count: 64)
        let length = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &fields)
        let micros = String(time.nanoseconds % 1_000_000_000 / 1000)
        return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) + "."
            + String(repeating: "0", count: 6 - micros.utf8.count) + micros
    }
}

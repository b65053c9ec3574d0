import Glibc
import JSON
import Linux
import Reconciler
import Runner
import Terminal

/// An event in Docker's words, as `docker compose events` prints it.
struct EventLine {
    /// `container` or `secret`.
    let type: String
    let action: String
    /// The instance's name, or the secret's.
    let id: String
    /// Empty where it is about none, or about several.
    let service: String
    private let services: Set<String>
    private let attributes: [JSONValue.Member]
    private let time: LogTime

    /// - Returns: nil for what Docker has no event for.
    init?(_ event: StackEvent, project: String) {
        time = LogTime(nanoseconds: event.time)
        switch event.subject {
        case .instance(let event):
            guard let index = event.index, let (action, details) = Self.action(event.kind) else { return nil }
            type = "container"
            self.action = action
            id = event.oneOff ?? "\(project)-\(event.service)-\(index)"
            service = OneOff.service(ofKey: event.service) ?? event.service
            services = [event.service, service]
            attributes = Self.members(details + [("image", "-"), ("name", id)])
        case .secret(let event):
            let (action, details) = Self.action(event.kind)
            type = "secret"
            self.action = action
            id = event.secret
            services = Set(event.services)
            service = details.first { $0.name == "service" }?.value ?? ""
            let about = service.isEmpty ? [("services", event.services.joined(separator: ","))] : []
            attributes = Self.members(details + [("name", id)] + about)
        }
    }

    private typealias Details = [(name: String, value: String)]

    private static func members(_ details: Details) -> [JSONValue.Member] {
        details.sorted { $0.name < $1.name }.map { .init($0.name, .string($0.value)) }
    }

    private static func action(_ kind: InstanceEvent.Kind) -> (String, Details)? {
        switch kind {
        case .created: ("create", [])
        case .started: ("start", [])
        case .exited(let code): ("die", [("exitCode", "\(code)")])
        case .signalled(let signal): ("kill", [("signal", "\(signal)")])
        case .stopped: ("stop", [])
        case .removed: ("destroy", [])
        case .failed(let reason): ("fail", [("reason", reason)])
        case .healthy: ("health_status: healthy", [])
        case .unhealthy(let output): ("health_status: unhealthy", [("output", output)])
        case .outOfMemory: ("oom", [])
        case .paused: ("pause", [])
        case .unpaused: ("unpause", [])
        case .hookFailed(let hook, let reason): ("fail", [("hook", hook), ("reason", reason)])
        // Signals are told apart, and files as what they are.
        case .starting, .restarting, .stopping, .waiting, .fileWritten, .fileRemoved: nil
        }
    }

    private static func action(_ kind: SecretEvent.Kind) -> (String, Details) {
        switch kind {
        case .granted(let service, let target, let version): ("grant", [("service", service), ("target", target), ("version", version)])
        case .updated(let service, let target, let version): ("update", [("service", service), ("target", target), ("version", version)])
        case .revoked(let service, let target): ("revoke", [("service", service), ("target", target)])
        case .rotated(let version): ("rotate", [("version", "\(version)")])
        case .refreshed(let version): ("refresh", [("version", "\(version)")])
        case .failed(let reason): ("fail", [("reason", reason)])
        }
    }

    /// Whether it is about one of these services, or about a secret that one of them reads.
    func isAbout(_ services: Set<String>?) -> Bool { services.map { !$0.isDisjoint(with: self.services) } ?? true }

    /// `2026-01-02 03:04:05.678901 container start demo-web-1 (image=-, name=demo-web-1)`, without the empty line that Compose has after each.
    var text: String {
        let details = attributes.map { "\($0.name)=\($0.value.stringValue ?? "")" }.joined(separator: ", ")
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

/// `--filter KEY=VALUE` of `events`.
struct EventFilter {
    private static let keys: [(name: String, value: @Sendable (EventLine) -> String)] = [
        ("type", { $0.type }), ("event", { $0.action }), ("service", { $0.service }), ("container", { $0.type == "container" ? $0.id : "" }),
        ("secret", { $0.type == "secret" ? $0.id : "" }),
    ]

    private var wanted: [String: Set<String>] = [:]

    init(_ texts: [String], _ invocation: Invocation) throws(UsageError) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let names = Self.keys.map(\.name)
            guard parts.count == 2, !parts[1].isEmpty else {
                throw invocation.arguments.usageError("filter '\(text)' is not KEY=VALUE", remedy: "for example 'type=secret'")
            }
            guard names.contains(parts[0]) else {
                throw invocation.arguments.usageError(
                    "there is no filter '\(parts[0])'",
                    remedy: nearest(to: parts[0], among: names).map { "did you mean '\($0)'?" } ?? "there are \(names.joined(separator: ", "))")
            }
            wanted[parts[0], default: []].insert(parts[1])
        }
    }

    func matches(_ line: EventLine) -> Bool {
        Self.keys.allSatisfy { key in wanted[key.name].map { $0.contains(key.value(line)) } ?? true }
    }
}

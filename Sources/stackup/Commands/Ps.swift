import Compose
import Glibc
import JSON
import Reconciler
import Runner
import Terminal

/// `stackup ps`: the instances of a stack.
enum Ps {
    static let command = Command(
        "ps", summary: "List instances",
        discussion: "With -a also those that have exited, and one-offs, which 'stackup run' has started.",
        examples: [
            .init("stackup ps -a", "those that have exited too"),
            .init("stackup ps --format json", "with PID and SupervisorPID, for tools"),
            .init(#"stackup ps --format 'table {{.Name}}\t{{.State}}'"#, "columns of one's own"),
        ],
        options: [
            .flag("all", short: "a", help: "Show instances that don't run too"),
            .value("format", "FORMAT", help: ListFormat.help),
            .flag("quiet", short: "q", help: "Only names"),
            .flag("services", help: "Only the services' names"),
            .flag("no-trunc", help: "Don't cut commands off"),
        ],
        arguments: [.init("SERVICE", .any)])

    /// Compose's, with `PID` and `SupervisorPID`.
    private static let columns: [ListFormat.Column] = [
        .init("Command"), .init("CreatedAt"), .init("ExitCode"), .init("Failure"), .init("Health"), .init("HealthOutput"), .init("ID", header: "CONTAINER ID"),
        .init("Image"), .init("Label", isLookup: true), .init("Labels"), .init("Name"), .init("Names"), .init("OOMKilled"), .init("PID"), .init("Ports"),
        .init("Project"), .init("Publishers"), .init("RenewalFailures"), .init("Restarts"), .init("RunningFor", header: "CREATED"), .init("Service"), .init("State"),
        .init("Status"), .init("SupervisorPID"),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .observing)
        var state = try session.observe()
        state.lookForCommands()
        let services = try target.services(named: invocation.operands, observed: state, record: session.record)
        let rows = state.instances
            .filter { invocation.flag("all") || $0.status != .exited && $0.oneOff == nil }
            .filter { services?.contains($0.ownService) ?? true || services?.contains($0.service) ?? true }
            .sorted { ($0.service, $0.index) < ($1.service, $1.index) }
            .map { instance in
                PsRow(
                    instance, project: session.name, supervisor: state.supervisorPID, labels: labels(of: instance, session.record),
                    failedRenewals: state.failedRenewals(of: instance.service))
            }
        let streams = invocation.streams
        if invocation.flag("services") {
            for service in Set(rows.map(\.instance.ownService)).sorted() { streams.print(service) }
        } else if invocation.flag("quiet") {
            for row in rows { streams.print(row.name) }
        } else {
            try invocation.print(
                rows.map { .init(cells: $0.cells(cutsCommand: !invocation.flag("no-trunc")), document: $0.document) },
                header: ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"], as: format, json: .array)
            if format.isTable {
                for row in rows { row.warnOfHealth(streams) }
                warn(of: state, streams)
            }
        }
        return 0
    }

    private static func warn(of state: ObservedState, _ streams: Streams) {
        for failure in state.failedRenewals().compactMap({ $0.failureText(at: Int64(time(nil))) }) { streams.warn(failure) }
        if state.isRenewalStuck(at: .millisecondsNow) {
            streams.warn("secrets are due for new values, and the process that gets them was ended; 'stackup up -d' starts it again")
        }
    }
}

extension ObservedState {
    /// Gives instances their commands that a supervisor has adopted and nobody could tell it of: what runs shows it.
    fileprivate mutating func lookForCommands() {
        let unknown = instances.indices.filter { instances[$0].command.isEmpty && instances[$0].pid != nil }
        guard !unknown.isEmpty else { return }
        let processes = ProcessesOfInstance.grouped(by: unknown.compactMap { instances[$0].pid })
        for index in unknown {
            let own = instances[index].pid.flatMap { processes[$0] } ?? []
            guard let first = own.compactMap(ProcessStatus.read).first(where: { $0.parent == instances[index].pid }) else { continue }
            instances[index].command = [first.commandLine()]
        }
    }
}

/// A service's labels as last applied; a one-off's own.
private func labels(of instance: ObservedInstance, _ record: StackRecord?) -> [(name: String, value: String)] {
    if let oneOff = instance.oneOff { return (oneOff.labels ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    let service = instance.service
    guard let text = record?.services[service]?.attributes["labels"], case .object(let members) = try? JSONValue.parse(Array(text.utf8))
    else { return [] }
    return members.map { ($0.name, $0.value.stringValue ?? "") }
}

/// One line of `ps`.
struct PsRow {
    let instance: ObservedInstance
    let project: String
    let supervisor: Int32?
    let labels: [(name: String, value: String)]
    /// Secrets of the service that should have new values, and have not.
    let failedRenewals: [ScheduledRenewal]
    /// Process services have none.
    private let image = "-"
    private let now = Int64(time(nil))

    init(
        _ instance: ObservedInstance, project: String, supervisor: Int32?, labels: [(name: String, value: String)],
        failedRenewals: [ScheduledRenewal]
    ) {
        self.failedRenewals = failedRenewals
        self.instance = instance
        self.project = project
        self.supervisor = supervisor
        self.labels = labels
    }

    /// Says what the last check had to say of one that is unhealthy.
    func warnOfHealth(_ streams: Streams) {
        guard let health = instance.health, health.status == .unhealthy else { return }
        let reason = health.reason ?? health.exitCode.map { "its check exited with \($0)" } ?? "its check could not be run"
        streams.warn("\(name) is unhealthy, \(health.failures == 1 ? "its last check has" : "\(health.failures) checks in a row have") failed: \(reason)")
    }

    var name: String { instance.name(in: project) }

    /// `Up 3 minutes`, `Exited (1) 2 hours ago`, as Docker writes it.
    private var status: String {
        func since(_ moment: Int64?) -> String { humanDuration(seconds: max(0, now - (moment ?? now))) }
        let code = instance.exitCode.map(String.init) ?? "unknown"
        switch instance.status {
        case .created: return "Created"
        case .running: return "Up " + since(instance.startedAt) + remarks
        case .stopping: return "Stopping"
        case .restarting: return "Restarting (\(code)) \(since(instance.finishedAt)) ago"
        case .exited where instance.wasNeverStarted: return "Created"
        case .exited:
            let reason = instance.ranOutOfMemory == true ? ", out of memory" : ""
            return "Exited (\(code)) \(since(instance.finishedAt)) ago\(reason)"
        }
    }

    /// `(healthy)`, and how often a crash loop has come round.
    private var remarks: String {
        if instance.isPaused == true { return " (Paused)" }
        let health = instance.health.map { $0.status == .starting ? " (health: starting)" : " (\($0.status.rawValue))" } ?? ""
        return health + (instance.restarts > 0 ? ", \(instance.restarts) \(instance.restarts == 1 ? "restart" : "restarts")" : "")
    }

    /// In local time, as Go's `Time.String` writes it: `2026-01-02 03:04:05 +0100 CET`.
    private var createdAt: String {
        var moment = time_t(instance.createdAt)
        var fields = tm()
        localtime_r(&moment, &fields)
        var text = [CChar](repeating: 0, count: 64)
        let length = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S %z %Z", &fields)
        return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private var runningFor: String { humanAge(of: instance.createdAt, at: now) }

    /// As Docker has it: in quotes, cut to 20 characters.
    private func command(isCut: Bool) -> String {
        // What has ended, and was started by a supervisor before this one, nobody knows any more.
        guard !instance.command.isEmpty else { return "-" }
        let text = instance.command.joined(separator: " ")
        return "\"" + (isCut && text.count > 20 ? text.prefix(19) + "…" : text[...]) + "\""
    }

    func cells(cutsCommand: Bool) -> [String] {
        [name, image, sanitizedForTerminal(command(isCut: cutsCommand)), instance.ownService, runningFor, status, ""]
    }

    /// Compose's members, with `PID` and `SupervisorPID`.
    var document: TemplateValue {
        let labelTexts = labels.map { "\($0.name)=\($0.value)" }
        let pid: TemplateValue = instance.pid.map { .integer(Int64($0)) } ?? .null
        return .record([
            .init("Command", .string(instance.command.joined(separator: " "))),
            .init("CreatedAt", .string(createdAt)),
            .init("ExitCode", .integer(Int64(instance.endStatus ?? 0))),
            .init("Failure", instance.failure.map { .string($0) } ?? .absent),
            .init("Health", .string(instance.health?.status.rawValue ?? "")),
            .init("HealthOutput", .string(instance.health?.output ?? "")),
            .init("ID", .string(name)),
            .init("Image", .string(image)),
            .init("Label", .lookup { key in labels.first { $0.name == key }?.value ?? "" }),
            .init("Labels", .string(labelTexts.joined(separator: ","))),
            .init("Name", .string(name)),
            .init("Names", .string(name)),
            .init("OOMKilled", .bool(instance.ranOutOfMemory ?? false)),
            .init("PID", pid),
            .init("Ports", .string("")),
            .init("Project", .string(project)),
            .init("Publishers", .list([])),
            .init("RenewalFailures", .list(failedRenewals.compactMap(\.failureDocument))),
            .init("Restarts", .integer(Int64(instance.restarts))),
            .init("RunningFor", .string(runningFor)),
            .init("Service", .string(instance.ownService)),
            .init("State", .string(instance.state)),
            .init("Status", .string(status)),
            .init("SupervisorPID", supervisor.map { .integer(Int64($0)) } ?? .null),
        ])
    }
}

extension ObservedInstance {
    /// Docker's word for a container's state.
    var state: String {
        switch status {
        case .running where isPaused == true: "paused"
        case .exited where wasNeverStarted: "created"
        case .running, .stopping: "running"
        case .created, .restarting, .exited: status.rawValue
        }
    }
}

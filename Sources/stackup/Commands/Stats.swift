import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup stats`: what the instances use.
enum Stats {
    static let command = Command(
        "stats", summary: "Show what services use: CPU, memory, block I/O, processes",
        discussion: """
            The table is drawn anew every second, until Ctrl-C. 100 % of CPU is one CPU. The limit of memory is the service's own, or what \
            the host has. Services share the host's network, so there is nothing to say of theirs (--). Where a service has no limit that \
            the kernel would count by, memory is the sum of what its processes have, shared parts once for each.
            """,
        examples: [
            .init("stackup stats", "live, of all that run"),
            .init("stackup stats --no-stream --format json web", "once, for tools"),
            .init(#"stackup stats --format 'table {{.Name}}\t{{.MemUsage}}'"#, "columns of one's own"),
        ],
        options: [
            .flag("all", short: "a", help: "Show instances that don't run too"),
            .flag("no-stream", help: "Show it once"),
            .value("format", "FORMAT", help: ListFormat.help),
            .flag("no-trunc", help: "Accepted for Docker's sake: nothing is cut off"),
        ],
        arguments: [.init("SERVICE", .any)])

    /// Docker's.
    private static let columns: [ListFormat.Column] = [
        .init("BlockIO", header: "BLOCK I/O"), .init("CPUPerc", header: "CPU %"), .init("Container"), .init("ID", header: "CONTAINER ID"),
        .init("MemPerc", header: "MEM %"), .init("MemUsage", header: "MEM USAGE / LIMIT"), .init("Name"), .init("NetIO", header: "NET I/O"),
        .init("PIDs", header: "PIDS"),
    ]
    private static let header = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]

    /// In milliseconds: as long as a CPU's share is looked at.
    private static let interval: UInt32 = 1000
    /// For who waits for the one table.
    private static let shortInterval: UInt32 = 500

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let target = try invocation.targetStack()
        let services = try services(of: target, invocation)
        let directories = invocation.paths.directories(of: target.name)
        let once = invocation.flag("no-stream")
        let redraws = !once && isatty(STDOUT_FILENO) == 1
        var sampler = UsageSampler(project: target.name)
        while let supervisor = try SupervisorClient.connect(directories) {
            guard let state = try state(of: supervisor) else { return 0 }
            let instances = state.instances
                .filter { services?.contains($0.ownService) ?? true || services?.contains($0.service) ?? true }
                .filter { invocation.flag("all") || $0.status == .running || $0.status == .stopping }
                .sorted { ($0.service, $0.index) < ($1.service, $1.index) }
            if sampler.isEmpty {
                // Of a share there is nothing to say before a while has passed.
                sampler.sample(instances)
                usleep((once ? shortInterval : interval / 2) * 1000)
            }
            let rows = sampler.sample(instances)
            if redraws { invocation.streams.print("\u{1B}[H\u{1B}[2J", terminator: "") }
            try invocation.print(
                rows.map { row in .init(cells: row.cells, document: row.document) }, header: header, as: format, json: .lines)
            if once || invocation.streams.lostResults || invocation.streams.isReaderGone { return 0 }
            usleep(interval * 1000)
        }
        if let killing = try SupervisionError.killing(of: directories) { throw killing }
        return 0
    }

    /// - Returns: nil where the stack has just been taken down.
    private static func state(of supervisor: SupervisorClient) throws(SupervisionError) -> ObservedState? {
        do {
            return try supervisor.observe()
        } catch where error == .connectionLost {
            return nil
        }
    }

    private static func services(of target: TargetStack, _ invocation: Invocation) throws -> Set<String>? {
        // To look on may take days; the store's keys are of no use for it.
        defer { invocation.forgetKeys() }
        let session = try StackSession(target.name, invocation, for: .observing)
        return try target.services(named: invocation.operands, observed: session.observe(), record: session.record).map(Set.init)
    }
}

/// Looks at what instances use, and at what of it is new.
private struct UsageSampler {
    let project: String
    private var last: [Int32: (time: Int64, cpu: Int64)] = [:]

    /// Whether it has not looked yet.
    private(set) var isEmpty = true

    init(project: String) {
        self.project = project
    }

    @discardableResult
    mutating func sample(_ instances: [ObservedInstance]) -> [UsageRow] {
        isEmpty = false
        let processes = ProcessesOfInstance.grouped(by: instances.compactMap(\.pid))
        var next: [Int32: (time: Int64, cpu: Int64)] = [:]
        let rows = instances.map { instance in
            let name = instance.name(in: project)
            guard let pid = instance.pid, let own = processes[pid] else { return UsageRow(name: name, usage: nil, cpuShare: 0) }
            let usage = InstanceUsage.read(pid: pid, processes: own, groups: instance.groups)
            let time = MonotonicClock.nanoseconds()
            next[pid] = (time, usage.cpuNanoseconds)
            let before = last[pid]
            let passed = before.map { time - $0.time } ?? 0
            let share = passed > 0 ? Double(max(0, usage.cpuNanoseconds - (before?.cpu ?? 0))) / Double(passed) : 0
            return UsageRow(name: name, usage: usage, cpuShare: share)
        }
        last = next
        return rows
    }
}

/// One line of `stats`.
private struct UsageRow {
    let name: String
    /// nil where it does not run.
    let usage: InstanceUsage?
    /// 1 is one CPU.
    let cpuShare: Double

    private static let none = "--"

    private var cpu: String { usage == nil ? Self.none : percentage(cpuShare) }
    private var memory: String {
        usage.map { "\(binarySize(bytes: $0.memory)) / \(binarySize(bytes: $0.memoryLimit))" } ?? "\(Self.none) / \(Self.none)"
    }
    private var memoryShare: String {
        usage.map { percentage($0.memoryLimit > 0 ? Double($0.memory) / Double($0.memoryLimit) : 0) } ?? Self.none
    }
    private var block: String {
        usage.map { "\(humanSize(bytes: $0.blockRead)) / \(humanSize(bytes: $0.blockWritten))" } ?? Self.none
    }
    private var processes: String { usage.map { "\($0.processes)" } ?? Self.none }

    var cells: [String] { [name, name, cpu, memory, memoryShare, Self.none, block, processes] }

    /// Docker's members.
    var document: TemplateValue {
        .record([
            .init("BlockIO", .string(block)), .init("CPUPerc", .string(cpu)), .init("Container", .string(name)), .init("ID", .string(name)),
            .init("MemPerc", .string(memoryShare)), .init("MemUsage", .string(memory)), .init("Name", .string(name)),
            .init("NetIO", .string(Self.none)), .init("PIDs", .string(processes)),
        ])
    }

    /// `12.34%`
    private func percentage(_ part: Double) -> String {
        let hundredths = Int64((part * 10_000).rounded())
        let fraction = String(hundredths % 100)
        return "\(hundredths / 100).\(fraction.utf8.count < 2 ? "0" : "")\(fraction)%"
    }
}

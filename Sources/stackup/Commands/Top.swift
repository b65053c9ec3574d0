import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup top`: the processes of the instances.
enum Top {
    static let command = Command(
        "top", summary: "List the processes of services",
        discussion: """
            The columns are those of 'ps -ef', with PIDs as the host numbers them. The instance's own pid 1, which starts the service and \
            reaps its processes, is left out.
            """,
        examples: [.init("stackup top", "of all services"), .init("stackup top db", "of one")],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .observing)
        let state = try session.observe()
        let services = try target.services(named: invocation.operands, observed: state, record: session.record)
        let instances = state.instances
            .filter { services?.contains($0.ownService) ?? true || services?.contains($0.service) ?? true }
            .sorted { ($0.service, $0.index) < ($1.service, $1.index) }
        let processes = ProcessesOfInstance.grouped(by: instances.compactMap(\.pid))
        var rows: [[String]] = []
        for instance in instances {
            guard let pid = instance.pid else { continue }
            for status in (processes[pid] ?? []).filter({ $0 != pid }).compactMap(ProcessStatus.read) {
                rows.append([instance.ownService, instance.oneOff?.name ?? String(instance.index)] + ProcessRow(status).cells)
            }
        }
        guard !rows.isEmpty else { return 0 }
        invocation.streams.print(
            renderTable(header: ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], rows: rows), terminator: "")
        return 0
    }
}

/// One process as `ps -ef` shows it.
private struct ProcessRow {
    private let status: ProcessStatus
    /// Seconds since the epoch.
    private let started: Int64

    private static let booted: Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(Glibc.time(nil)) - Int64(time.tv_sec)
    }()

    init(_ status: ProcessStatus) {
        self.status = status
        started = Self.booted + Int64(status.startTime / ProcessStatus.ticksPerSecond)
    }

    var cells: [String] {
        [user, String(status.pid), String(status.parent), String(share), startTime, terminal, cpuTime, sanitizedForTerminal(status.commandLine())]
    }

    private var user: String {
        guard let uid = status.user() else { return "?" }
        return UserDatabase.host.entry(uid: uid).map { sanitizedForTerminal($0.name) } ?? String(uid)
    }

    private var seconds: Int64 { Int64(status.ticks / ProcessStatus.ticksPerSecond) }

    /// Percent of one CPU, over all of its life.
    private var share: Int64 {
        let age = max(Int64(Glibc.time(nil)) - started, 1)
        return min(seconds * 100 / age, 99)
    }

    /// The time, and of older ones the day.
    private var startTime: String {
        let isRecent = Int64(Glibc.time(nil)) - started < 86_400
        var moment = time_t(started)
        var fields = tm()
        localtime_r(&moment, &fields)
        var text = [CChar](repeating: 0, count: 16)
        let length = strftime(&text, text.count, isRecent ? "%H:%M" : "%b%d", &fields)
        return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Those of an instance are numbered by its own devpts (pts(4): 136 and on).
    private var terminal: String {
        guard status.terminal != 0 else { return "?" }
        let major = status.terminal >> 8 & 0xfff, minor = status.terminal & 0xff | status.terminal >> 12 & 0xfff00
        return (136..<144).contains(major) ? "pts/\((major - 136) * 256 + minor)" : "tty\(minor)"
    }

    private var cpuTime: String {
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let days = seconds / 86_400
        return (days > 0 ? "\(days)-" : "") + "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }
}

import Glibc
import Linux

/// One process as `/proc` shows it (proc_pid_stat(5)).
public struct ProcessStatus: Sendable, Equatable {
    public let pid: Int32
    public let parent: Int32
    /// The name in parentheses: what it was started as, or gave itself.
    public let name: String
    /// Number of its terminal (makedev(3)); 0: none.
    public let terminal: Int32
    /// Clock ticks: its own, and those of children that it has waited for.
    public let ticks: UInt64
    public let ticksOfChildren: UInt64
    public let threads: Int64
    /// Clock ticks since boot.
    public let startTime: UInt64
    /// Bytes.
    public let residentMemory: Int64

    /// - Returns: nil where it is gone.
    public static func read(_ pid: Int32) -> ProcessStatus? { ControlFile.read("/proc/\(pid)/stat").flatMap(ProcessStatus.init) }

    /// - Parameter text: of the file; the name may hold anything but NUL, a parenthesis too.
    init?(_ text: String) {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
            let pid = Int32(text[..<open].filter { $0 != " " })
        else { return nil }
        let fields = text[text.index(after: close)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard fields.count > 21, let parent = Int32(fields[1]), let terminal = Int32(fields[4]),
            let user = UInt64(fields[11]), let system = UInt64(fields[12]), let childUser = UInt64(fields[13]), let childSystem = UInt64(fields[14]),
            let threads = Int64(fields[17]), let startTime = UInt64(fields[19]), let pages = Int64(fields[21])
        else { return nil }
        self.pid = pid
        self.parent = parent
        name = String(text[text.index(after: open)..<close])
        self.terminal = terminal
        ticks = user &+ system
        ticksOfChildren = childUser &+ childSystem
        self.threads = threads
        self.startTime = startTime
        residentMemory = pages.multipliedReportingOverflow(by: Int64(sysconf(Int32(_SC_PAGESIZE)))).partialValue
    }

    /// Clock ticks in a second.
    public static let ticksPerSecond = UInt64(max(sysconf(Int32(_SC_CLK_TCK)), 1))

    /// Its command line; its name in brackets where it has none.
    public func commandLine() -> String {
        let words = (ControlFile.read("/proc/\(pid)/cmdline") ?? "").split(separator: "\0")
        return words.isEmpty ? "[\(name)]" : words.joined(separator: " ")
    }

    /// Its real user.
    public func user() -> UInt32? {
        for line in (ControlFile.read("/proc/\(pid)/status") ?? "").split(separator: "\n") where line.hasPrefix("Uid:") {
            return line.split(whereSeparator: { $0 == "\t" || $0 == " " }).dropFirst().first.flatMap { UInt32($0) }
        }
        return nil
    }
}

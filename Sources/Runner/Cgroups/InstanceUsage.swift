import Glibc
import Linux

/// What one instance uses of the machine's resources.
///
/// What its control group counts is taken from there; the rest is what its processes have, by `/proc`: then memory that several of them
/// share counts for each, and what those have read and written that have ended is not in it.
public struct InstanceUsage: Sendable, Equatable {
    /// Of all CPUs, since its start.
    public var cpuNanoseconds: Int64
    /// Bytes, without what the kernel keeps of files that could be dropped.
    public var memory: Int64
    /// Bytes; the host's where nothing less is set.
    public var memoryLimit: Int64
    /// Bytes from and to block devices.
    public var blockRead: Int64
    public var blockWritten: Int64
    /// Processes and threads, without the instance's pid 1.
    public var processes: Int64

    /// - Parameters:
    ///   - pid: the instance's pid 1.
    ///   - processes: all that are in it (``ProcessesOfInstance``).
    ///   - groups: the folders of its control group.
    public static func read(pid: Int32, processes: [Int32], groups: [String]?) -> InstanceUsage {
        let group = InstanceCgroup(folders: groups ?? [])
        let statuses = processes.compactMap(ProcessStatus.read)
        let io = group.blockBytes ?? blockBytes(of: processes)
        let host = hostMemory
        return InstanceUsage(
            cpuNanoseconds: group.cpuNanoseconds ?? cpuNanoseconds(of: statuses),
            memory: group.memory ?? statuses.reduce(0) { $0 + $1.residentMemory }, memoryLimit: min(group.memoryLimit ?? host, host),
            blockRead: io.read, blockWritten: io.written,
            processes: group.path(of: "pids.current").flatMap(ControlFile.number).map { max(0, $0 - 1) }
                ?? statuses.reduce(0) { $0 + ($1.pid == pid ? 0 : $1.threads) })
    }

    private static func cpuNanoseconds(of statuses: [ProcessStatus]) -> Int64 {
        let ticks = statuses.reduce(0 as UInt64) { $0 &+ $1.ticks &+ $1.ticksOfChildren }
        return Int64(clamping: ticks.multipliedReportingOverflow(by: 1_000_000_000 / ProcessStatus.ticksPerSecond).partialValue)
    }

    private static func blockBytes(of processes: [Int32]) -> (read: Int64, written: Int64) {
        processes.reduce((read: 0, written: 0)) { sum, pid in
            let path = "/proc/\(pid)/io"
            func number(_ name: String) -> Int64 {
                for line in (ControlFile.read(path) ?? "").split(separator: "\n") where line.hasPrefix(name) { return Int64(line.dropFirst(name.count)) ?? 0 }
                return 0
            }
            return (sum.read + number("read_bytes: "), sum.written + number("write_bytes: "))
        }
    }

    private static let hostMemory: Int64 = {
        for line in (ControlFile.read("/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix("MemTotal:") {
            return (line.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0) * 1024
        }
        return 0
    }()
}

extension InstanceCgroup {
    /// nil where it does not count.
    fileprivate var cpuNanoseconds: Int64? {
        folders.lazy.compactMap { ControlFile.number("usage_usec", in: $0 + "/cpu.stat") }.first.map { $0 * 1000 }
    }

    fileprivate var memory: Int64? {
        if let file = path(of: "memory.current"), let used = ControlFile.number(file) {
            return max(0, used - (ControlFile.number("inactive_file", in: path(of: "memory.stat") ?? "") ?? 0))
        }
        guard let used = path(of: "memory.usage_in_bytes").flatMap(ControlFile.number) else { return nil }
        return max(0, used - (ControlFile.number("total_inactive_file", in: path(of: "memory.stat") ?? "") ?? 0))
    }

    fileprivate var memoryLimit: Int64? {
        (path(of: "memory.max") ?? path(of: "memory.limit_in_bytes")).flatMap(ControlFile.number)
    }

    fileprivate var blockBytes: (read: Int64, written: Int64)? {
        var (read, written): (Int64, Int64) = (0, 0)
        if let text = path(of: "io.stat").flatMap(ControlFile.read) {
            for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
                if word.hasPrefix("rbytes=") { read += Int64(word.dropFirst(7)) ?? 0 }
                if word.hasPrefix("wbytes=") { written += Int64(word.dropFirst(7)) ?? 0 }
            }
            return (read, written)
        }
        guard let text = path(of: "blkio.throttle.io_service_bytes_recursive").flatMap(ControlFile.read) else { return nil }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let bytes = Int64(words[2]) else { continue }
            if words[1] == "Read" { read += bytes }
            if words[1] == "Write" { written += bytes }
        }
        return (read, written)
    }
}

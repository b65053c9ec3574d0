import Glibc
import Linux

/// One process, for ever: pids are used again, pids with their start time are not.
struct ProcessIdentity: Codable, Sendable, Equatable {
    var pid: Int32
    /// Field 22 of `/proc/PID/stat` (proc(5)), in clock ticks since boot.
    var startTime: UInt64

    static func current() -> ProcessIdentity {
        let pid = getpid()
        return ProcessIdentity(pid: pid, startTime: startTime(of: pid) ?? 0)
    }

    /// Whether this very process is there and not just waiting to be reaped.
    var isAlive: Bool { Self.startTime(of: pid) == startTime }

    /// What the start time of a process is that is made now; one that is made between two equal ones has that.
    ///
    /// To look it up for a process that executes something is to wait for that.
    static func startTimeNow() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        let ticksPerSecond = ProcessStatus.ticksPerSecond
        return UInt64(time.tv_sec) * ticksPerSecond + UInt64(time.tv_nsec) / (1_000_000_000 / ticksPerSecond)
    }

    /// nil where there is no such process, or only a zombie.
    static func startTime(of pid: Int32) -> UInt64? {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/stat", O_RDONLY), let bytes = try? file.readAll(limit: 4096),
            // The second field is the name in brackets, which may hold spaces and brackets.
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, fields[0].first != UInt8(ascii: "Z"), fields[0].first != UInt8(ascii: "X") else { return nil }
        return UInt64(String(decoding: fields[19], as: UTF8.self))
    }
}

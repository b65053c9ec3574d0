import Glibc
import Linux

/// One process, for ever: pids are used again, pids with their start time are not.
struct ProcessIdentity: Codable, Sendable, Equatable {
    var pid: Int32
    /// Field 22 of `/proc/PID/stat` (proc(5)), in clock ticks since boot.
    var startTime: UInt64

    static func current() -> ProcessIdentity {
        let pid = getpid()
        return ProcessIdentity(pid: pid, startTime: processStartTime(pid) ?? 0)
    }

    var isAlive: Bool { processStartTime(pid) == startTime }
}

/// Names one run of the kernel: what was recorded under another one is not there any more.
enum BootIdentity {
    static func current() -> String {
        guard let file = try? FileDescriptor.open("/proc/sys/kernel/random/boot_id", O_RDONLY),
            let bytes = try? file.readAll(limit: 64)
        else { return "" }
        return String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
    }
}

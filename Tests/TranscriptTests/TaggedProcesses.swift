import Glibc

/// A mark that every process of one transcript carries, however far it has moved from the shell that started it.
///
/// The mark is an odd soft value of `RLIMIT_RSS`: the kernel has enforced nothing by it since 2.4.30
/// (setrlimit(2)), yet it is inherited over fork, exec, sessions and namespaces. A daemon that has left
/// its terminal, its parent and its environment behind is found by it; nobody else's process is.
struct ProcessTag: Sendable {
    /// As dash's `ulimit -m` wants it.
    let kilobytes: UInt64

    init(number: Int) {
        kilobytes = 1 << 40 | UInt64(getpid()) << 12 | UInt64(number)
    }

    /// Every running process with this mark; those that only wait to be reaped don't count.
    func processes() -> [TaggedProcess] {
        entries(of: "/proc").compactMap { name in
            pid_t(name).flatMap(TaggedProcess.init)
        }.filter { carries($0.pid) }
    }

    /// Ends the processes by their ids; the mark is looked at again just before.
    func endAll() {
        for process in processes() where carries(process.pid) {
            kill(process.pid, SIGKILL)
        }
    }

    private func carries(_ pid: pid_t) -> Bool {
        guard let limits = contents(of: "/proc/\(pid)/limits") else { return false }
        return limits.split(separator: "\n").contains { line in
            line.hasPrefix("Max resident set") && line.split(separator: " ").contains("\(kilobytes * 1024)")
        }
    }
}

struct TaggedProcess: Sendable, CustomStringConvertible {
    let pid: pid_t
    let commandLine: String

    /// nil where there is no such process, or only its exit status is left.
    init?(_ pid: pid_t) {
        guard let status = contents(of: "/proc/\(pid)/stat"), let end = status.lastIndex(of: ")"),
            let state = status[end...].split(separator: " ").dropFirst().first, state != "Z", state != "X"
        else { return nil }
        self.pid = pid
        commandLine = (contents(of: "/proc/\(pid)/cmdline") ?? "").split(separator: "\0").joined(separator: " ")
    }

    var description: String { "\(pid) (\(commandLine))" }
}

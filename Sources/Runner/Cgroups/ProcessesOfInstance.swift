import Glibc
import Linux

/// The processes in an instance's pid namespace, its pid 1 among them; where it shares that with others, those in its mount namespace.
public struct ProcessesOfInstance {
    /// `pid:[4026531836]`
    private let namespace: String

    /// - Parameter pid: the instance's `stackup-init`.
    public init(pid: Int32) {
        namespace = Self.namespace(ofInstance: pid) ?? ""
    }

    /// Those that are there now, as the host numbers them.
    public func current() -> [Int32] {
        namespace.isEmpty ? [] : Self.all().filter(hold)
    }

    /// Whether a process is one of them now.
    func hold(_ pid: Int32) -> Bool {
        namespace.split(separator: ":").first.map { Self.namespace(String($0), of: pid) == namespace } ?? false
    }

    /// Those of several instances, by the pid of each one's init: all processes are looked at once.
    public static func grouped(by pids: [Int32]) -> [Int32: [Int32]] {
        let owners = Dictionary(
            pids.compactMap { pid in namespace(ofInstance: pid).map { ($0, pid) } }, uniquingKeysWith: { first, _ in first })
        let someShare = owners.keys.contains { $0.hasPrefix("mnt") }
        var groups: [Int32: [Int32]] = [:]
        for pid in all() {
            let guest = someShare ? namespace("mnt", of: pid).flatMap { owners[$0] } : nil
            if let owner = guest ?? namespace("pid", of: pid).flatMap({ owners[$0] }) { groups[owner, default: []].append(pid) }
        }
        return groups
    }

    private static func all() -> [Int32] {
        guard let processes = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: processes.number).compactMap { Int32($0) }.sorted()
    }

    private static func namespace(ofInstance pid: Int32) -> String? {
        namespace(isFirst(pid) ? "pid" : "mnt", of: pid)
    }

    /// Whether it is pid 1 of the innermost namespace that it is in (proc_pid_status(5), `NSpid`).
    private static func isFirst(_ pid: Int32) -> Bool {
        let line = (ControlFile.read("/proc/\(pid)/status") ?? "").split(separator: "\n").first { $0.hasPrefix("NSpid:") }
        return line?.split(separator: "\t").last == "1"
    }

    /// `pid:[4026531836]`; nil where it is gone, or nothing of ours.
    private static func namespace(_ kind: String, of pid: Int32) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = readlink("/proc/\(pid)/ns/\(kind)", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}

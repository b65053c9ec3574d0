import Glibc
import Linux

/// The processes in an instance's pid namespace, its pid 1 among them.
public struct ProcessesOfInstance {
    private let namespace: String

    /// - Parameter pid: pid 1 of the instance.
    public init(pid: Int32) {
        namespace = Self.namespace(of: pid) ?? ""
    }

    /// Those that are there now, as the host numbers them.
    public func current() -> [Int32] {
        guard !namespace.isEmpty else { return [] }
        return Self.all().filter { Self.namespace(of: $0) == namespace }
    }

    /// Those of several instances, by the pid of each one's pid 1: all processes are looked at once.
    public static func grouped(by pids: [Int32]) -> [Int32: [Int32]] {
        let owners = Dictionary(pids.compactMap { pid in namespace(of: pid).map { ($0, pid) } }, uniquingKeysWith: { first, _ in first })
        var groups: [Int32: [Int32]] = [:]
        for pid in all() {
            if let owner = namespace(of: pid).flatMap({ owners[$0] }) { groups[owner, default: []].append(pid) }
        }
        return groups
    }

    private static func all() -> [Int32] {
        guard let processes = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: processes.number).compactMap { Int32($0) }.sorted()
    }

    /// `pid:[4026531836]`; nil where it is gone, or nothing of ours.
    private static func namespace(of pid: Int32) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = readlink("/proc/\(pid)/ns/pid", buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}

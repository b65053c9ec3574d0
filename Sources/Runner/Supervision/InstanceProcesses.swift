import Glibc
import Linux

/// The first processes of instances, whatever stack of whatever user they belong to, as far as this process can see them.
enum InstanceProcesses {
    static func all() -> [Int32] {
        guard let processes = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: processes.number).compactMap { Int32($0) }.filter { pid in
            guard let file = try? FileDescriptor.open("/proc/\(pid)/cmdline", O_RDONLY), let line = try? file.readAll(limit: 4096) else { return false }
            return line.starts(with: "stackup-init\0".utf8)
        }
    }
}

/// What these have mounted, at one moment.
public struct MountedFolders {
    private let own: MountTable
    private let tables: [MountTable]

    /// - Throws: where the caller's own mounts, which places are told by, can't be read. Instances that end meanwhile have nothing mounted.
    public init() throws(SystemCallError) {
        own = try MountTable.current()
        tables = InstanceProcesses.all().compactMap { pid in
            let text = try? FileDescriptor.open("/proc/\(pid)/mountinfo", O_RDONLY).readAll()
            return (text ?? nil).map { MountTable($0) }
        }
    }

    /// Whether one of them has a folder, or something in it.
    ///
    /// - Parameter folder: absolute and clean, without symbolic links.
    public func have(_ folder: String) -> Bool { tables.contains { $0.hasMounted(folder, of: own) } }
}

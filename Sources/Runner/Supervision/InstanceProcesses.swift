import Glibc
import Linux

/// The first processes of instances, whatever stack of whatever user they belong to, as far as this process can see them.
public enum InstanceProcesses {
    static func all() -> [Int32] {
        guard let processes = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: processes.number).compactMap { Int32($0) }.filter { pid in
            guard let file = try? FileDescriptor.open("/proc/\(pid)/cmdline", O_RDONLY), let line = try? file.readAll(limit: 4096) else { return false }
            return line.starts(with: "stackup-init\0".utf8)
        }
    }

    /// Whether one of them has a folder mounted, or something in it.
    ///
    /// - Parameter folder: absolute and clean, without symbolic links.
    public static func have(mounted folder: String) throws(SystemCallError) -> Bool {
        let own = try MountTable.current()
        return all().contains { pid in
            guard let file = try? FileDescriptor.open("/proc/\(pid)/mountinfo", O_RDONLY), let text = (try? file.readAll()) ?? nil else { return false }
            return MountTable(text).hasMounted(folder, of: own)
        }
    }
}

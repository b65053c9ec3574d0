import Glibc
import Linux

/// Instances that run without being in any record: their supervisor was killed between the clone and the next write.
///
/// Each pid 1 holds its status file open, `exit/<instance>` of this very directory; nothing else does.
enum StrayInstances {
    /// The pids of all of this directory's instances, recorded or not.
    static func find(in directory: RuntimeDirectory) -> [Int32] {
        guard let exits = try? FileDescriptor.open(
            "exit", in: directory.number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolution: [.noSymlinks, .beneath])
        else { return [] }
        var files = Set<FileIdentity>()
        for name in DirectoryListing.names(in: exits.number) {
            var status = stat()
            if fstatat(exits.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { files.insert(FileIdentity(status)) }
        }
        guard !files.isEmpty, let processes = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: processes.number).compactMap { Int32($0) }.filter { pid in
            guard let file = try? FileDescriptor.open("/proc/\(pid)/cmdline", O_RDONLY),
                let line = try? file.readAll(limit: 4096), line.starts(with: "stackup-init\0".utf8)
            else { return false }
            var status = stat()
            return stat("/proc/\(pid)/fd/\(statusDescriptor)", &status) == 0 && files.contains(FileIdentity(status))
        }
    }

    /// STATUS_FD of Sources/stackup-init/report.h.
    private static let statusDescriptor = 5

    private struct FileIdentity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }
}

extension RuntimeDirectory {
    /// Whether a supervisor has worked here.
    var hasRun: Bool { faccessat(number, "exit", F_OK, 0) == 0 }
}

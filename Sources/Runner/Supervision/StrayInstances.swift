import Glibc
import Linux

/// Instances that run without being in any record: their supervisor was killed between the clone and the next write.
///
/// Each pid 1 holds a file in `exit` of this very directory open, ``ExitStatuses/signName``; nothing else does. (Earlier versions' had one each.)
enum StrayInstances {
    /// The pids of all of this directory's instances, recorded or not.
    static func find(in directory: RuntimeDirectory) -> [Int32] {
        guard let exits = try? FileDescriptor.open(
            ExitStatuses.folderName, in: directory.number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolution: [.noSymlinks, .beneath])
        else { return [] }
        var files = Set<FileIdentity>()
        for name in DirectoryListing.names(in: exits.number) {
            var status = stat()
            if fstatat(exits.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { files.insert(FileIdentity(status)) }
        }
        guard !files.isEmpty else { return [] }
        return InstanceProcesses.all().filter { pid in
            var status = stat()
            return stat("/proc/\(pid)/fd/\(signDescriptor)", &status) == 0 && files.contains(FileIdentity(status))
        }
    }

    /// SIGN_FD of Sources/stackup-init/report.h.
    private static let signDescriptor = 5

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
    var hasRun: Bool { faccessat(number, ExitStatuses.folderName, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }
}

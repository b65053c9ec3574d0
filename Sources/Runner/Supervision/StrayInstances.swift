import Glibc
import Linux

/// Instances that run without being in any record: their supervisor was killed between the clone and the next write.
///
/// Each pid 1 holds the file of ``ExitStatuses`` of this very directory open; nothing else does.
enum StrayInstances {
    /// The pids of all of this directory's instances, recorded or not.
    static func find(in directory: RuntimeDirectory) -> [Int32] {
        var exits = stat()
        guard fstatat(directory.number, ExitStatuses.fileName, &exits, AT_SYMLINK_NOFOLLOW) == 0,
            let processes = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY)
        else { return [] }
        return DirectoryListing.names(in: processes.number).compactMap { Int32($0) }.filter { pid in
            guard let file = try? FileDescriptor.open("/proc/\(pid)/cmdline", O_RDONLY),
                let line = try? file.readAll(limit: 4096), line.starts(with: "stackup-init\0".utf8)
            else { return false }
            var status = stat()
            return stat("/proc/\(pid)/fd/\(statusDescriptor)", &status) == 0 && status.st_dev == exits.st_dev && status.st_ino == exits.st_ino
        }
    }

    /// STATUS_FD of Sources/stackup-init/report.h.
    private static let statusDescriptor = 5
}

extension RuntimeDirectory {
    /// Whether a supervisor has worked here.
    var hasRun: Bool { faccessat(number, ExitStatuses.fileName, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }
}

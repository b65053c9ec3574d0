import Glibc
import Linux

/// A sign in a stack's runtime folder: rights to secrets have ended there, and nobody who can open the store was asked for that, as when a
/// one-off has done its work in the background.
///
/// The supervisor has no key to write it into the store's log with. The next command finds the sign, and has the log compared with what
/// runs. It is an empty file, which says nothing of what ended.
public enum UnloggedSign {
    static let name = "unlogged"

    static func leave(in directory: RuntimeDirectory) {
        // Where the disk is full the log tells of it when something else has it compared.
        _ = try? FileDescriptor.open(
            name, in: directory.number, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600, resolution: [.noSymlinks, .beneath])
    }

    /// Whether a stack has one. Costs one system call.
    public static func isThere(_ directories: StackDirectories) -> Bool {
        faccessat(AT_FDCWD, "\(directories.runtime)/\(name)", F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Takes it away. What ends from then on leaves another.
    public static func remove(_ directories: StackDirectories) throws(SupervisionError) {
        try RuntimeDirectory.open(directories.runtime, create: false)?.remove(name)
    }
}

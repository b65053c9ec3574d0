import Glibc
import Linux

/// An entry of a folder that was just made, told from others that somebody may have put in its place.
///
/// mkdir(2) and symlink(2) give no descriptor of what they make, and in a folder of somebody else's another entry may have its name by the
/// time that it is opened. So what is opened is looked at: who has a folder or link like a new one given to them has nothing that they could
/// not have made themselves.
struct MadeEntry: Equatable {
    private let device: dev_t
    private let inode: ino_t

    init(_ file: borrowing FileDescriptor) throws(SystemCallError) {
        let status = try file.status()
        device = status.st_dev
        inode = status.st_ino
    }

    /// Opens a folder that mkdirat(2) has just made with mode 0700.
    ///
    /// - Throws: where what has its name is not ours alone, or not empty.
    static func openFolder(_ name: [CChar], in parent: Int32, _ shown: String) throws -> FileDescriptor {
        let number = Glibc.openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SystemCallError("openat", shown) }
        let folder = FileDescriptor(owning: number)
        let status = try folder.status()
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0, DirectoryListing.bytes(in: folder.number).isEmpty else { throw exchanged(shown) }
        return folder
    }

    /// Opens a link that symlinkat(2) has just made (`O_PATH`).
    ///
    /// - Throws: where what has its name is not ours, or leads elsewhere.
    static func openLink(_ name: String, to target: [UInt8], in parent: Int32, _ shown: String) throws -> FileDescriptor {
        let link = try FileDescriptor.open(bytes: Array(name.utf8), in: parent, O_PATH | O_NOFOLLOW)
        let status = try link.status()
        guard FileKind(status) == .link, status.st_uid == geteuid(), status.st_nlink == 1, try link.linkTarget() == target else { throw exchanged(shown) }
        return link
    }

    private static func exchanged(_ shown: String) -> CopyError {
        CopyError("\(shown) was exchanged for something else while it was made; copy into a folder that nobody else can write to")
    }
}

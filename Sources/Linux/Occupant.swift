import Glibc

/// What lies where a file is to be put. rename(2) replaces devices, FIFOs and sockets as readily as files, which no person means who
/// asks for a file to be replaced.
public enum Occupant: Equatable, Sendable {
    case nothing
    case regularFile
    /// Anything else, in words: `a character device`.
    case other(String)

    /// - Parameters:
    ///   - name: a link at its end is not followed.
    ///   - folder: where it starts from.
    /// - Throws: where it can't be looked at.
    public init(of name: String, in folder: Int32) throws(SystemCallError) {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            guard errno == ENOENT else { throw SystemCallError("fstatat", name) }
            self = .nothing
            return
        }
        self = switch status.st_mode & S_IFMT {
        case S_IFREG: .regularFile
        case S_IFDIR: .other("a folder")
        case S_IFLNK: .other("a symbolic link")
        case S_IFIFO: .other("a FIFO")
        case S_IFSOCK: .other("a socket")
        case S_IFBLK: .other("a block device")
        default: .other("a character device")
        }
    }
}

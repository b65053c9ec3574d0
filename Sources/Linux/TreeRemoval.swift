import CLinux
import Glibc

/// The removal of what is in one directory, the top.
///
/// Everything is done by descriptor, so whoever moves folders about meanwhile leads it nowhere. It takes a descriptor for each
/// level, and so goes down a few levels only: a folder that lies deeper is first moved up into the top, which
/// is within the tree as well.
final class TreeRemoval {
    private static let levels = 32

    private let top: Int32
    /// Folders that were moved into the top.
    private var waiting: [[CChar]] = []
    private var moves = 0
    private var first: SystemCallError?

    private init(_ top: Int32) {
        self.top = top
    }

    /// Removes all that is in a directory.
    /// - Throws: the first error, after everything else has gone.
    static func empty(_ directory: Int32) throws(SystemCallError) {
        let removal = TreeRemoval(directory)
        removal.empty(directory, level: 0)
        while let name = removal.waiting.popLast() { removal.remove(name, in: directory, level: 0) }
        if let error = removal.first { throw error }
    }

    /// Removes an entry of a directory, with all that is in it.
    static func remove(_ name: [CChar], in directory: Int32) throws(SystemCallError) {
        guard let folder = try unlinkOrOpen(name, in: directory) else { return }
        try empty(folder.number)
        try removeEmpty(name, in: directory)
    }

    private func empty(_ directory: Int32, level: Int) {
        DirectoryListing.forEach(in: directory) { remove($0, in: directory, level: level) }
    }

    private func remove(_ name: [CChar], in directory: Int32, level: Int) {
        do throws(SystemCallError) {
            guard let folder = try Self.unlinkOrOpen(name, in: directory) else { return }
            if level == Self.levels { return try moveUp(name, from: directory) }
            empty(folder.number, level: level + 1)
            try Self.removeEmpty(name, in: directory)
        } catch {
            first = first ?? error
        }
    }

    /// Removes what is no directory.
    ///
    /// - Returns: what is one; nil where there is nothing any more.
    private static func unlinkOrOpen(_ name: [CChar], in directory: Int32) throws(SystemCallError) -> FileDescriptor? {
        if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return nil }
        let refusal = errno
        // Which of the two a directory gives is the filesystem's choice (unlink(2)).
        guard refusal == EISDIR || refusal == EPERM else { throw failure("unlinkat", name, refusal) }
        if geteuid() != 0 { openUp(name, in: directory) }
        let flags = UInt64(UInt32(bitPattern: O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        let resolution: FileDescriptor.Resolution = [.noSymlinks, .beneath, .noMounts]
        let number = clinux_openat2(directory, name, flags, 0, resolution.rawValue)
        switch number < 0 ? errno : 0 {
        case 0: return FileDescriptor(owning: number)
        case ENOENT: return nil
        case ENOTDIR, ELOOP: throw failure("unlinkat", name, refusal)
        // Something is mounted there, as rmdir(2) says it.
        case EXDEV: throw failure("unlinkat", name, EBUSY)
        case let reason: throw failure("openat2", name, reason)
        }
    }

    /// A folder of one's own that its permissions keep one out of can be emptied all the same.
    private static func openUp(_ name: [CChar], in directory: Int32) {
        let number = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return }
        let folder = FileDescriptor(owning: number)
        var status = stat()
        // By descriptor: by name it could be another one by now.
        if fstat(folder.number, &status) == 0, status.st_mode & 0o700 != 0o700 { chmod("/proc/self/fd/\(folder.number)", 0o700) }
    }

    private static func removeEmpty(_ name: [CChar], in directory: Int32) throws(SystemCallError) {
        guard unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw failure("unlinkat", name, errno) }
    }

    private func moveUp(_ name: [CChar], from directory: Int32) throws(SystemCallError) {
        while true {
            moves += 1
            let new = Array(".removed-\(moves)".utf8CString)
            // An empty folder of that name is replaced, and was to go too.
            if renameat(directory, name, top, new) == 0 { return waiting.append(new) }
            guard errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR else {
                if errno == ENOENT { return }
                throw Self.failure("renameat", name, errno)
            }
        }
    }

    private static func failure(_ call: String, _ name: [CChar], _ code: Int32) -> SystemCallError {
        SystemCallError(call, DirectoryListing.text(name), code: code)
    }
}

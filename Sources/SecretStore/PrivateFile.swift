import Glibc
import Linux

/// A file beside the key file, or that file itself: nobody but its owner may read it, or put another one in its place.
enum PrivateFile {
    /// Opens it; nil where there is none.
    ///
    /// - Parameter kind: what to call it in an error: `key file`.
    /// - Throws: where others could read it, or put another one, or another folder, in its place.
    static func open(_ path: String, kind: String) throws(StoreError) -> FileDescriptor? {
        guard let folder = try folder(of: path, creating: false) else { return nil }
        return try open(path, in: folder.number, kind: kind)
    }

    /// The folder that it lies in (`O_PATH`).
    static func folder(of path: String, creating: Bool) throws(StoreError) -> FileDescriptor? {
        try StoreError.wrapping { () throws(SafePathError) in
            try SafePath.open(Paths.directory(of: path), create: creating, durably: true)
        }
    }

    static func open(_ path: String, in folder: Int32, kind: String) throws(StoreError) -> FileDescriptor? {
        let descriptor: FileDescriptor
        do {
            // No link is followed: whoever made the link would choose the content. A FIFO must not hang us.
            descriptor = try FileDescriptor.open(
                Paths.lastComponent(of: path), in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                resolution: [.noSymlinks, .beneath])
        } catch {
            switch error.code {
            case ENOENT: return nil
            case ELOOP:
                throw .exposed(path: path, problem: "the \(kind) is a symbolic link", remedy: "put the file itself there")
            default: throw .system(doing: "read the \(kind)", error.naming(path))
            }
        }
        try check(try Folder.status(of: descriptor, path), of: path, kind: kind)
        return descriptor
    }

    private static func check(_ status: stat, of path: String, kind: String) throws(StoreError) {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .exposed(path: path, problem: "the \(kind) is not a regular file", remedy: "put the file itself there")
        }
        guard status.st_uid == geteuid() else {
            throw .exposed(
                path: path, problem: "the \(kind) belongs to user \(status.st_uid), not to user \(geteuid())",
                remedy: "use a \(kind) of your own, or run the command as its owner")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .exposed(
                path: path, problem: "the \(kind) is open to others (mode 0\(String(status.st_mode & 0o777, radix: 8)))",
                remedy: "run: chmod 600 '\(path)' (and if others may have read it, treat the store's secrets as known)")
        }
    }

    /// Makes it where it isn't there yet; one that is there stays.
    ///
    /// It is written beside its place and linked into it when it is on the disk: a crash never leaves half of it, and of two commands
    /// that make one at the same time both find the same.
    static func create(
        _ path: String, in folder: Int32, _ write: (borrowing FileDescriptor) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        let name = Paths.lastComponent(of: path)
        let temporary = name + "." + Identifier.random().hexadecimal
        let descriptor = try FileDescriptor.open(temporary, in: folder, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        defer { unlinkat(folder, temporary, 0) }
        try write(descriptor)
        try retryingInterrupts("fsync") { fsync(descriptor.number) }
        if linkat(folder, temporary, folder, name, 0) != 0, errno != EEXIST { throw SystemCallError("link") }
        try synchronize(folder)
    }

    /// Removes it; one that isn't there is no error.
    static func remove(_ path: String) throws(StoreError) {
        guard let folder = try folder(of: path, creating: false) else { return }
        do throws(SystemCallError) {
            if unlinkat(folder.number, Paths.lastComponent(of: path), 0) != 0 {
                if errno == ENOENT { return }
                throw SystemCallError("unlink")
            }
            try synchronize(folder.number)
        } catch {
            throw .system(doing: "remove the file", error.naming(path))
        }
    }

    /// Writes the names in a folder (`O_PATH`) through to the disk.
    private static func synchronize(_ folder: Int32) throws(SystemCallError) {
        let readable = try FileDescriptor.open(".", in: folder, O_RDONLY | O_DIRECTORY)
        let number = readable.number
        try retryingInterrupts("fsync") { fsync(number) }
    }
}

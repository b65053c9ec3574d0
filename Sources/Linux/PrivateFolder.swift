import Glibc

/// A folder that the caller has alone, mode 0700, held open: what is in it is reached by descriptor, and no link is followed.
public final class PrivateFolder: Sendable {
    public let path: String
    public let descriptor: FileDescriptor

    private init(path: String, descriptor: consuming FileDescriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Opens it. One that is open to others is closed to them.
    ///
    /// - Parameters:
    ///   - create: makes it, and those above it, where they are missing.
    ///   - mayBeLink: whether a link of root's or of the caller's may lead to it.
    /// - Returns: nil where there is none.
    /// - Throws: where the way there is not safe (``SafePath``), or the folder is another user's.
    public static func open(
        _ path: String, create: Bool, mayBeLink: Bool = false
    ) throws(SafePathError) -> PrivateFolder? {
        // Another command may remove it meanwhile, and those above it that are empty then.
        for _ in 0..<100 {
            let opened: FileDescriptor?
            if mayBeLink {
                guard let folder = try SafePath.open(path, create: create) else { return nil }
                opened = try child(".", of: folder.number, path, create: false, mode: 0)
            } else {
                guard let parent = try SafePath.open(Paths.directory(of: path), create: create) else {
                    if create { continue }
                    return nil
                }
                opened = try child(Paths.lastComponent(of: path), of: parent.number, path, create: create, mode: 0o700)
            }
            if let opened { return try PrivateFolder(path: path, descriptor: closed(opened, path)) }
            if !create { return nil }
        }
        throw .unsafe(path: path, problem: "another command removes this folder again and again", remedy: "see which one, and end it")
    }

    /// A folder in it; a link is refused.
    ///
    /// - Parameter mode: of one that is made.
    /// - Returns: nil where there is none, and none was to be made.
    public func child(_ name: String, create: Bool, mode: mode_t = 0o700) throws(SafePathError) -> FileDescriptor? {
        try Self.child(name, of: descriptor.number, "\(path)/\(name)", create: create, mode: mode)
    }

    /// The same in any folder.
    public static func child(
        _ name: String, of folder: Int32, _ path: String, create: Bool, mode: mode_t = 0o700
    ) throws(SafePathError) -> FileDescriptor? {
        if create, mkdirat(folder, name, mode) != 0, errno != EEXIST, errno != ENOENT {
            throw .system(SystemCallError("mkdir", path))
        }
        do {
            return try FileDescriptor.open(name, in: folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolution: [.noSymlinks, .beneath])
        } catch {
            switch error.code {
            case ENOENT: return nil
            case ENOTDIR, ELOOP: throw .unsafe(path: path, problem: "this is no folder", remedy: "see what it is, and remove it")
            default: throw .system(SystemCallError(error.call, path, code: error.code))
            }
        }
    }

    /// Takes others' rights to a folder, unless it is theirs.
    private static func closed(_ folder: consuming FileDescriptor, _ path: String) throws(SafePathError) -> FileDescriptor {
        let status = try SafePath.status(of: folder, path)
        guard status.st_uid == geteuid() else {
            throw .unsafe(
                path: path, problem: "this folder belongs to user \(status.st_uid), not to user \(geteuid())",
                remedy: "see what is in it and remove it, or run the command as its owner")
        }
        let number = folder.number
        if status.st_mode & 0o077 != 0 {
            _ = try SafePathError.wrapping(path) { () throws(SystemCallError) in
                try retryingInterrupts("fchmod") { fchmod(number, 0o700) }
            }
        }
        return folder
    }

    /// Removes it with all that is in it, as far as that goes, and the one above it if that is empty then.
    ///
    /// - Parameter kept: the name of an entry that stays, and the folder with it.
    public func remove(but kept: String? = nil) {
        for name in DirectoryListing.names(in: descriptor.number) where name != kept {
            try? FileTree.remove(bytes: Array(name.utf8), in: descriptor.number)
        }
        if rmdir(path) == 0 || errno == ENOENT { rmdir(Paths.directory(of: path)) }
    }
}

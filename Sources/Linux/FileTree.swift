import Glibc

/// Folders with what is in them.
public enum FileTree {
    /// Makes a directory and those above it that are missing, as `mkdir -p` does.
    ///
    /// - Parameter mode: permission bits of those that are made, less the umask(2).
    /// - Throws: `ENOENT` too, where somebody else removes them meanwhile.
    public static func makeFolders(_ path: String, mode: mode_t) throws(SystemCallError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        let parent = Paths.directory(of: path)
        guard errno == ENOENT, parent != path, parent != "." else { throw SystemCallError("mkdir", path) }
        try makeFolders(parent, mode: mode)
        if mkdir(path, mode) != 0 && errno != EEXIST { throw SystemCallError("mkdir", path) }
    }

    /// Removes a file, or a directory with all that is in it.
    ///
    /// Symbolic links are removed, not followed. What cannot be removed stops nothing else from going.
    ///
    /// - Throws: the first error; a path that is missing is none.
    public static func remove(_ path: String) throws(SystemCallError) {
        let folder: FileDescriptor
        do {
            folder = try FileDescriptor.open(Paths.directory(of: path), O_PATH | O_DIRECTORY)
        } catch {
            if error.code == ENOENT { return }
            throw error
        }
        try remove(Array(Paths.lastComponent(of: path).utf8CString), in: folder.number)
    }

    /// Removes all that is in a directory, in the same way.
    public static func empty(_ directory: Int32) throws(SystemCallError) {
        var first: SystemCallError?
        for name in DirectoryListing.bytes(in: directory) {
            do {
                try remove(name, in: directory)
            } catch {
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    private static func remove(_ name: [CChar], in directory: Int32) throws(SystemCallError) {
        if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
        // Which of the two a directory gives is the filesystem's choice (unlink(2)).
        guard errno == EISDIR || errno == EPERM else { throw SystemCallError("unlinkat", DirectoryListing.text(name)) }
        let number = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SystemCallError("openat", DirectoryListing.text(name)) }
        let folder = FileDescriptor(owning: number)
        try empty(folder.number)
        guard unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw SystemCallError("unlinkat", DirectoryListing.text(name))
        }
    }
}

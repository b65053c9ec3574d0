import Glibc

/// Folders with what is in them.
public enum FileTree {
    /// Makes a directory and those above it that are missing, as `mkdir -p` does, but through no symbolic link.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - mode: permission bits of those that are made, less the umask(2).
    /// - Throws: `ENOENT` too, where somebody else removes them meanwhile.
    public static func makeFolders(_ path: String, mode: mode_t) throws(SystemCallError) {
        var folder = try FileDescriptor.open("/", O_PATH | O_DIRECTORY)
        var way = ""
        for name in Paths.components(path) {
            way += "/" + name
            if mkdirat(folder.number, String(name), mode) != 0, errno != EEXIST { throw SystemCallError("mkdir", way) }
            do {
                folder = try FileDescriptor.open(String(name), in: folder.number, O_PATH | O_DIRECTORY | O_NOFOLLOW)
            } catch {
                throw SystemCallError("openat2", way, code: error.code)
            }
        }
    }

    /// Removes a file, or a directory with all that is in it.
    ///
    /// Symbolic links are removed, not followed, and what is mounted in there is left alone. What cannot be removed
    /// stops nothing else from going. Neither depth nor number of files is limited.
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
        try remove(Paths.lastComponent(of: path), in: folder.number)
    }

    /// Removes an entry of a directory in the same way.
    public static func remove(_ name: String, in directory: Int32) throws(SystemCallError) {
        try TreeRemoval.remove(Array(name.utf8CString), in: directory)
    }

    /// The same for a name in the kernel's own bytes, which holds no NUL.
    public static func remove(bytes name: [UInt8], in directory: Int32) throws(SystemCallError) {
        try TreeRemoval.remove(name.map { CChar(bitPattern: $0) } + [0], in: directory)
    }
}

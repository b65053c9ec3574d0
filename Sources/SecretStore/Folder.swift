import Glibc
import Linux

/// A folder of the store, held open: every file in it is reached through the descriptor that was
/// checked, so a folder that is swapped underneath changes nothing.
struct Folder: ~Copyable {
    static let objectsName = "objects"

    /// As the person named it, for messages.
    let path: String
    let descriptor: FileDescriptor

    /// Opens a folder after checking who else could write to it, or put another one in its place; nil where there is none.
    ///
    /// - Parameter creating: makes it (mode 0700), with all the folders above it that are missing.
    static func open(_ path: String, creating: Bool = false) throws(StoreError) -> Folder? {
        guard let way = try StoreError.wrapping({ () throws(SafePathError) in
            try SafePath.open(path, create: creating, durably: true)
        }) else { return nil }
        return try open(".", in: way.number, path)
    }

    private static func open(_ name: String, in parent: Int32, _ path: String) throws(StoreError) -> Folder? {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(name, in: parent, O_RDONLY | O_DIRECTORY, resolution: [.noSymlinks, .beneath])
        } catch {
            if error.code == ENOENT { return nil }
            throw .system(doing: "open the store's folder", error.naming(path))
        }
        let status = try status(of: descriptor, path)
        guard status.st_uid == geteuid() else {
            throw .exposed(
                path: path, problem: "this folder belongs to user \(status.st_uid), not to user \(geteuid())",
                remedy: "use a folder of your own, or run the command as its owner")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw .exposed(
                path: path, problem: "others may write to this folder",
                remedy: "check what is in it, then run: chmod go-w '\(path)'")
        }
        return Folder(path: path, descriptor: descriptor)
    }

    /// The metadata of an open file.
    static func status(of descriptor: borrowing FileDescriptor, _ path: String) throws(StoreError) -> stat {
        do {
            return try descriptor.status()
        } catch {
            throw .system(doing: "examine the file", error.naming(path))
        }
    }

    /// The same folder with a descriptor of its own.
    borrowing func reopened() throws(StoreError) -> Folder? {
        try Folder.open(".", in: descriptor.number, path)
    }

    /// The folder within this one, made where it is missing.
    borrowing func subfolder(_ name: String, creating: Bool = false) throws(StoreError) -> Folder? {
        if creating, mkdirat(descriptor.number, name, 0o700) != 0, errno != EEXIST {
            throw .system(doing: "make the folder", SystemCallError("mkdirat", self.path(of: name)))
        }
        return try Folder.open(name, in: descriptor.number, self.path(of: name))
    }

    /// The path of a file in this folder, for messages.
    func path(of name: String) -> String { path + "/" + name }

    /// Writes the folder itself, that is the names in it, through to the disk.
    borrowing func synchronize() throws(StoreError) {
        do {
            try retryingInterrupts("fsync", on: path) { fsync(descriptor.number) }
        } catch {
            throw .system(doing: "write to the disk", error)
        }
    }

    /// Whether the folder is still the one at its path.
    borrowing func checkIsInPlace() throws(StoreError) {
        let own = try Folder.status(of: descriptor, path)
        var present = stat()
        guard stat(path, &present) == 0, present.st_dev == own.st_dev, present.st_ino == own.st_ino else {
            throw .replaced(directory: path)
        }
    }

    /// The names of what is in it, in no order.
    borrowing func names() throws(StoreError) -> [String] {
        // A descriptor of its own: reading a directory moves the position that all duplicates share.
        let own: FileDescriptor
        do {
            own = try FileDescriptor.open(".", in: descriptor.number, O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system(doing: "list the folder", error.naming(path))
        }
        let number = own.release()
        guard let stream = fdopendir(number) else {
            let error = SystemCallError("fdopendir", path)
            close(number)
            throw .system(doing: "list the folder", error)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What lies at a name, which is not followed where it is a link; nil where nothing does.
    borrowing func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Removes a file; one that isn't there is no error.
    borrowing func remove(_ name: String) throws(StoreError) {
        if unlinkat(descriptor.number, name, 0) != 0, errno != ENOENT {
            throw .system(doing: "remove the file", SystemCallError("unlinkat", path(of: name)))
        }
    }
}

extension SystemCallError {
    /// The same error with the whole path, where the call had only a name in a folder.
    func naming(_ path: String) -> SystemCallError {
        SystemCallError(call, path, code: code)
    }
}

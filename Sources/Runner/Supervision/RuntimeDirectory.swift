import Glibc
import JSON
import Linux

/// The directory of one running stack: `lock`, `control.sock`, `supervisor.json`, `state.json` and
/// `exit/<instance>`.
///
/// It is worked on through a descriptor: a path that is replaced meanwhile changes nothing. Nothing in it
/// is synced to disk, for nothing in it means anything after the next boot.
final class RuntimeDirectory {
    let path: String
    let descriptor: FileDescriptor

    private init(path: String, descriptor: consuming FileDescriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Opens the directory.
    ///
    /// - Parameter create: makes it and its parents, mode 0700, where they are missing.
    /// - Returns: nil where it is missing and `create` is false.
    /// - Throws: ``SupervisionError/unsafeDirectory(path:reason:)`` where it is another user's.
    static func open(_ path: String, create: Bool) throws(SupervisionError) -> RuntimeDirectory? {
        guard let descriptor = try openPrivate(path, create: create) else { return nil }
        return RuntimeDirectory(path: path, descriptor: descriptor)
    }

    /// Opens a directory that nobody else may see into, and makes sure of that.
    static func openPrivate(_ path: String, create: Bool) throws(SupervisionError) -> FileDescriptor? {
        for _ in 0..<100 {
            do {
                if create { try FileTree.makeFolders(path, mode: 0o700) }
                let opened = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                try makePrivate(opened.number, path)
                return opened
            } catch let error as SystemCallError where error.code == ENOENT {
                // Or a `down` took it away meanwhile.
                if !create { return nil }
            } catch let error as SystemCallError where error.code == ENOTDIR || error.code == ELOOP {
                throw .unsafeDirectory(path: path, reason: "is not a directory; remove it")
            } catch let error as SystemCallError {
                throw .system(error)
            } catch {
                throw error as! SupervisionError
            }
        }
        throw .unsafeDirectory(path: path, reason: "is removed again and again by another command")
    }

    /// Closes a directory to others, unless it is theirs.
    private static func makePrivate(_ directory: Int32, _ path: String) throws {
        var status = stat()
        try retryingInterrupts("fstat", on: path) { fstat(directory, &status) }
        guard status.st_uid == geteuid() else {
            throw SupervisionError.unsafeDirectory(
                path: path,
                reason: "belongs to uid \(status.st_uid), not to the user who runs the command (uid \(geteuid()))")
        }
        if status.st_mode & 0o077 != 0 { try retryingInterrupts("fchmod", on: path) { fchmod(directory, 0o700) } }
    }

    /// Whether the directory was removed since it was opened.
    var isRemoved: Bool {
        (try? descriptor.status().st_nlink) ?? 0 == 0
    }

    // MARK: Records

    /// The value in a file of this directory; nil where it is missing or not readable as one.
    func read<T: Decodable>(_ type: T.Type, from name: String) -> T? {
        guard let file = try? FileDescriptor.open(
            name, in: descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolution: [.noSymlinks, .beneath]),
            let bytes = try? file.readAll(limit: 64 << 20)
        else { return nil }
        return try? JSON.decode(type, from: bytes)
    }

    /// Replaces a file of this directory: a reader sees the old or the new one.
    func write(_ value: some Encodable, to name: String) throws {
        let bytes = try JSON.encode(value)
        let temporary = ".\(name).new"
        do {
            let file = try FileDescriptor.open(
                temporary, in: descriptor.number, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600,
                resolution: [.noSymlinks, .beneath])
            try file.writeAll(bytes)
        }
        let number = descriptor.number
        try retryingInterrupts("renameat", on: "\(path)/\(name)") { renameat(number, temporary, number, name) }
    }

    func remove(_ name: String) {
        unlinkat(descriptor.number, name, 0)
    }

    // MARK: Removal

    /// Removes the directory and all in it, and its parent where that is empty then.
    func removeAll() {
        try? FileTree.empty(descriptor.number)
        Self.removeIfEmpty(path)
    }

    /// Removes a directory if it is empty, and then its parent if that is.
    static func removeIfEmpty(_ path: String) {
        if rmdir(path) == 0 || errno == ENOENT { rmdir(Paths.directory(of: path)) }
    }
}

extension RuntimeDirectory {
    static let socketName = "control.sock"
    static let supervisorRecordName = "supervisor.json"
    static let stateRecordName = "state.json"

    /// The path of the control socket, short however long the directory's is: unix(7) allows 108 bytes.
    var socketPath: String { "/proc/self/fd/\(descriptor.number)/\(Self.socketName)" }

    /// Opens, empty, the file that an instance's pid 1 leaves its status in.
    func makeExitFile(for instance: InstanceName) throws(SystemCallError) -> FileDescriptor {
        mkdirat(descriptor.number, "exit", 0o700)
        return try FileDescriptor.open(
            "exit/\(instance)", in: descriptor.number, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600,
            resolution: [.noSymlinks, .beneath])
    }

    /// What ``makeExitFile(for:)`` made, for reading.
    func openExitFile(for instance: InstanceName) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(
            "exit/\(instance)", in: descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolution: [.noSymlinks, .beneath])
        else { return nil }
        return try? file.readAll(limit: 64)
    }

    func removeExitFile(of instance: InstanceName) {
        unlinkat(descriptor.number, "exit/\(instance)", 0)
    }
}

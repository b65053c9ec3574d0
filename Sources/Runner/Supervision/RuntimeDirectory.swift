import Glibc
import JSON
import Linux

/// The directory of one running stack: `lock`, `control.sock`, `supervisor.json`, `state.json` and `exit`.
///
/// It is worked on through a descriptor: a path that is replaced meanwhile changes nothing. Nothing in it
/// is synced to disk, for nothing in it means anything after the next boot.
final class RuntimeDirectory {
    private let folder: PrivateFolder
    var path: String { folder.path }
    /// Of its descriptor.
    var number: Int32 { folder.descriptor.number }

    private init(_ folder: PrivateFolder) {
        self.folder = folder
    }

    /// Opens the directory.
    ///
    /// - Parameter create: makes it and its parents, mode 0700, where they are missing.
    /// - Returns: nil where it is missing and `create` is false.
    /// - Throws: ``SupervisionError/unsafeDirectory(path:reason:)`` where it, or one on the way, is not the user's alone.
    static func open(_ path: String, create: Bool) throws(SupervisionError) -> RuntimeDirectory? {
        try openPrivate(path, create: create).map(RuntimeDirectory.init)
    }

    /// Opens a directory that nobody else may see into, and makes sure of that.
    static func openPrivate(_ path: String, create: Bool) throws(SupervisionError) -> PrivateFolder? {
        do {
            return try PrivateFolder.open(path, create: create)
        } catch {
            throw SupervisionError(error)
        }
    }

    /// Whether the directory was removed since it was opened.
    var isRemoved: Bool {
        (try? folder.descriptor.status().st_nlink) ?? 0 == 0
    }

    /// Whether the lock's file is there: it is the first thing that is made in the directory.
    var hasLock: Bool { faccessat(number, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

    /// Waits for its turn to start a supervisor here; until this object goes, nobody else has one.
    func lockForStart() throws(SupervisionError) {
        let number = number
        do {
            try retryingInterrupts("flock", on: path) { flock(number, LOCK_EX) }
        } catch {
            throw .system(error)
        }
    }

    // MARK: Records

    /// See ``Linux/PrivateFolder/read(_:from:)``.
    func read<T: Decodable>(_ type: T.Type, from name: String) -> T? { folder.read(type, from: name) }

    /// See ``Linux/PrivateFolder/readBytes(from:)``.
    func readBytes(from name: String) -> [UInt8]? { folder.readBytes(from: name) }

    /// See ``Linux/PrivateFolder/write(_:to:)``.
    func write(_ value: some Encodable, to name: String) throws { try folder.write(value, to: name) }

    func write(_ value: some JSONConvertible, to name: String) throws { try folder.write(value, to: name) }

    func remove(_ name: String) {
        unlinkat(number, name, 0)
    }

    // MARK: Removal

    /// Removes the directory and all in it, and its parent where that is empty then.
    ///
    /// - Parameter name: of an entry that stays, and the directory with it.
    func removeAll(but name: String? = nil) { folder.remove(but: name) }
}

extension RuntimeDirectory {
    static let socketName = "control.sock"
    static let supervisorRecordName = "supervisor.json"
    static let stateRecordName = "state.json"

    /// The path of the control socket, short however long the directory's is: unix(7) allows 108 bytes.
    var socketPath: String { "/proc/self/fd/\(number)/\(Self.socketName)" }
}

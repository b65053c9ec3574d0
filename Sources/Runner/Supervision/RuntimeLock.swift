import Glibc
import Linux

/// The right to change one stack: held by a command for as long as it runs, let go by the kernel when it dies.
///
/// It is a flock(2) on `<runtime>/lock`. `down` removes that file while it holds the lock; whoever waited
/// for it notices and takes the lock of the new directory instead.
public struct RuntimeLock: ~Copyable {
    private let file: FileDescriptor

    /// Who holds a lock that another command waits for.
    public struct Holder: Sendable, Equatable, CustomStringConvertible {
        public var pid: Int32
        /// `stackup up`.
        public var command: String

        public var description: String { "\(command) (process \(pid))" }
    }

    private init(file: consuming FileDescriptor) {
        self.file = file
    }

    /// Takes the lock, after waiting for whoever holds it.
    ///
    /// - Parameters:
    ///   - directories: of the project; made where they are missing.
    ///   - command: the caller's name for those who wait, such as `stackup up`.
    ///   - onWait: called if another command holds the lock; nil where that one has not said yet who it is.
    /// - Throws: ``SupervisionError`` where the directory is unusable.
    public static func acquire(
        _ directories: StackDirectories, command: String, onWait: @escaping (Holder?) -> Void = { _ in }
    ) throws(SupervisionError) -> RuntimeLock {
        while true {
            guard let directory = try RuntimeDirectory.open(directories.runtime, create: true),
                let lock = try acquire(in: directory, creating: true, command: command, onWait: onWait)
            else { continue }
            return lock
        }
    }

    /// The same for a stack that may not be there; nothing is made.
    ///
    /// - Parameters:
    ///   - directories: of the project.
    ///   - command: as in ``acquire(_:command:onWait:)``.
    ///   - onWait: the same; nil: not to wait.
    /// - Returns: nil where there is no runtime directory, and where another command holds the lock that is not to be waited for.
    public static func acquireIfPresent(
        _ directories: StackDirectories, command: String, onWait: ((Holder?) -> Void)?
    ) throws(SupervisionError) -> RuntimeLock? {
        while let directory = try RuntimeDirectory.open(directories.runtime, create: false) {
            // A lock that was made while `down` removes the directory would keep it from going.
            guard directory.hasLock else { return nil }
            if let lock = try acquire(in: directory, creating: false, command: command, onWait: onWait) { return lock }
            if onWait == nil { return nil }
        }
        return nil
    }

    /// The same of a directory that is known to be the stack's, without waiting.
    static func acquireIfFree(in directory: RuntimeDirectory, command: String) throws(SupervisionError) -> RuntimeLock? {
        try acquire(in: directory, creating: true, command: command, onWait: nil)
    }

    /// - Returns: nil where the directory was removed meanwhile, and where the lock is not free and `onWait` is nil.
    private static func acquire(
        in directory: RuntimeDirectory, creating: Bool, command: String, onWait: ((Holder?) -> Void)?
    ) throws(SupervisionError) -> RuntimeLock? {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                "lock", in: directory.number, O_RDWR | O_NOFOLLOW | (creating ? O_CREAT : 0), mode: creating ? 0o600 : 0,
                resolution: [.noSymlinks, .beneath])
        } catch where error.code == ENOENT {
            return nil
        } catch {
            throw .system(error)
        }
        let number = file.number
        if flock(number, LOCK_EX | LOCK_NB) != 0 {
            guard let onWait else { return nil }
            onWait(holder(in: number))
            do {
                _ = try retryingInterrupts("flock", on: "\(directory.path)/lock") { flock(number, LOCK_EX) }
            } catch {
                throw .system(error)
            }
        }
        // Still the directory's own lock?
        var mine = stat(), current = stat()
        guard fstat(number, &mine) == 0, fstatat(directory.number, "lock", &current, AT_SYMLINK_NOFOLLOW) == 0,
            mine.st_ino == current.st_ino, mine.st_dev == current.st_dev
        else { return nil }
        // Who reads takes the first line. The rest is cut off where there is one: to free the file's block each time costs a filesystem
        // more than all else that is done here.
        let text = Array("\(getpid()) \(command)\n".utf8)
        _ = pwrite(number, text, text.count, 0)
        if let size = try? file.status().st_size, size > text.count { _ = ftruncate(number, off_t(text.count)) }
        return RuntimeLock(file: file)
    }

    private static func holder(in file: Int32) -> Holder? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let line = String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self)
        guard let space = line.firstIndex(of: " "), let pid = Int32(line[..<space]) else { return nil }
        return Holder(pid: pid, command: String(line[line.index(after: space)...]))
    }
}

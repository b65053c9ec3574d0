import Glibc
import Linux

/// The right to write to a store: flock(2) on its lock file, which the kernel takes back when the holder
/// dies, however it dies. Readers never ask for it.
///
/// While a commit is under way the file holds a byte. Whoever gets the lock and finds the byte knows
/// that the last writer died at it, and sweeps up what it left.
struct StoreLock: ~Copyable {
    static let fileName = "lock"
    /// How long to wait. A commit takes milliseconds, so this is for writers that hang or are stopped.
    private static let patienceInSeconds = 30

    private let descriptor: FileDescriptor
    /// Whether the writer before died within a commit.
    let lastWriterDied: Bool

    /// Waits for the lock and takes it.
    static func acquire(in folder: borrowing Folder) throws(StoreError) -> StoreLock {
        do {
            let descriptor = try FileDescriptor.open(
                fileName, in: folder.descriptor.number, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
            guard try wait(for: descriptor) else {
                throw StoreError.busy(directory: folder.path, seconds: patienceInSeconds)
            }
            let size = try descriptor.status().st_size
            return StoreLock(descriptor: descriptor, lastWriterDied: size > 0)
        } catch let error as SystemCallError {
            throw .system(doing: "lock the store", error.naming(folder.path(of: fileName)))
        } catch {
            throw error as! StoreError
        }
    }

    /// Tries every other millisecond: flock(2) itself can only wait for ever, or be interrupted by an
    /// alarm, which belongs to the process and not to a library.
    private static func wait(for descriptor: borrowing FileDescriptor) throws(SystemCallError) -> Bool {
        for _ in 0..<patienceInSeconds * 500 {
            if flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw SystemCallError("flock") }
            var pause = timespec(tv_sec: 0, tv_nsec: 2_000_000)
            nanosleep(&pause, nil)
        }
        return false
    }

    /// Notes that a commit is under way. Without the note (a full disk) garbage may stay, nothing worse.
    borrowing func markUnfinished() {
        guard !lastWriterDied else { return }
        _ = pwrite(descriptor.number, "!", 1, 0)
    }

    /// Notes that nothing is left to sweep.
    borrowing func markFinished() {
        _ = ftruncate(descriptor.number, 0)
    }

    /// Gives the lock back.
    borrowing func release() {
        // Closing would do, were there no other descriptor for the same open file; forking makes one.
        flock(descriptor.number, LOCK_UN)
    }
}

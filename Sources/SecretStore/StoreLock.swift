import Glibc
import Linux

/// The right to write to a store: flock(2) on its lock file, which the kernel takes back when the holder
/// dies, however it dies. Readers never ask for it.
///
/// The file holds the identity of the boot in which the last commit ended, and nothing while a commit is under way.
/// Whoever gets the lock and finds another text knows that the last writer died at it, or that the power may have failed since
/// and brought back what was removed, and sweeps up what was left.
struct StoreLock: ~Copyable {
    static let fileName = "lock"
    /// How long to wait. A commit takes milliseconds, so this is for writers that hang or are stopped.
    private static let patienceInSeconds = 30

    private let descriptor: FileDescriptor
    /// Whether there may be something left of a commit that was cut short.
    let mayHaveLeftovers: Bool
    private let boot: String

    /// Waits for the lock and takes it.
    static func acquire(in folder: borrowing Folder) throws(StoreError) -> StoreLock {
        do {
            let descriptor = try FileDescriptor.open(
                fileName, in: folder.descriptor.number, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
            guard try wait(for: descriptor) else {
                throw StoreError.busy(directory: folder.path, seconds: patienceInSeconds)
            }
            let boot = BootIdentity.current()
            let text = try descriptor.readAll(limit: 64).map { String(decoding: $0, as: UTF8.self) }
            let mayHaveLeftovers = boot.isEmpty || text != boot
            // A restore marks the old store as unfinished before it puts another folder in its place.
            if mayHaveLeftovers { try folder.checkIsInPlace() }
            return StoreLock(descriptor: descriptor, mayHaveLeftovers: mayHaveLeftovers, boot: boot)
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

    /// Notes that a commit is under way. Without the note garbage may stay until the next boot, nothing worse.
    borrowing func markUnfinished() {
        _ = ftruncate(descriptor.number, 0)
    }

    /// Notes that nothing is left to sweep. Should this text not reach the disk before the power fails, the next boot is another one anyway.
    borrowing func markFinished() {
        _ = pwrite(descriptor.number, boot, boot.utf8.count, 0)
    }

    /// Gives the lock back.
    borrowing func release() {
        // Closing would do, were there no other descriptor for the same open file; forking makes one.
        flock(descriptor.number, LOCK_UN)
    }
}

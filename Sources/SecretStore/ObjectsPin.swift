import Glibc
import Linux

/// Keeps the objects of an index in their place while somebody looks at all of them: a backup, a check. Writers go on, but what they
/// replace stays until the pin is gone; the next commit removes it then.
///
/// It is a shared flock(2) on the folder of the objects, which the kernel takes back from a process that dies. A sweep takes an exclusive
/// one, and where it doesn't get it, leaves everything to a later sweep.
struct ObjectsPin: ~Copyable {
    private let descriptor: FileDescriptor

    /// Waits for a sweep that is under way.
    static func take(_ objects: borrowing Folder) throws(StoreError) -> ObjectsPin {
        do {
            // An open file description of its own: a flock belongs to one.
            let descriptor = try FileDescriptor.open(".", in: objects.descriptor.number, O_RDONLY | O_DIRECTORY)
            let number = descriptor.number
            try retryingInterrupts("flock") { flock(number, LOCK_SH) }
            return ObjectsPin(descriptor: descriptor)
        } catch {
            throw .system(doing: "keep the store's objects in place", error.naming(objects.path))
        }
    }

    borrowing func release() { flock(descriptor.number, LOCK_UN) }

    /// Does `body` where nothing is pinned.
    ///
    /// - Returns: nil where something is.
    static func withoutAny<Result>(_ objects: borrowing Folder, _ body: () -> Result) -> Result? {
        guard flock(objects.descriptor.number, LOCK_EX | LOCK_NB) == 0 else { return nil }
        defer { flock(objects.descriptor.number, LOCK_UN) }
        return body()
    }
}

import Glibc
import Linux

/// Files that have been written and are not yet sure to be on the disk.
///
/// Writing all of them before the first is waited for lets the file system put the whole batch into one transaction: fifty cost little more than
/// one. (syncfs(2) would wait for everybody else's writes too.)
final class WrittenFiles {
    private final class File {
        let path: String
        let descriptor: FileDescriptor

        init(_ path: String, _ descriptor: consuming FileDescriptor) {
            self.path = path
            self.descriptor = descriptor
        }
    }

    private var files: [File] = []

    /// A batch stays far below the usual limit of 1024 descriptors.
    var isFull: Bool { files.count >= 256 }

    func add(_ descriptor: consuming FileDescriptor, _ path: String) {
        files.append(File(path, descriptor))
    }

    /// Writes them through to the disk, but not their names.
    func synchronize() throws(StoreError) {
        do {
            for file in files {
                try retryingInterrupts("fsync", on: file.path) { fsync(file.descriptor.number) }
            }
        } catch {
            throw .system(doing: "write to the disk", error)
        }
        files = []
    }
}

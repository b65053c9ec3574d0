import Glibc
import Linux

/// Files that have been written and are not yet sure to be on the disk.
///
/// Writing all of them before the first is waited for lets the file system put the whole batch into one transaction. Still each
/// fsync(2) has the disk empty its cache, which takes a millisecond or five: thousands of them last a minute. syncfs(2) does it once, but
/// waits for everybody else's writes too, so it is for those thousands only.
final class WrittenFiles {
    private final class File {
        let path: String
        let descriptor: FileDescriptor

        init(_ path: String, _ descriptor: consuming FileDescriptor) {
            self.path = path
            self.descriptor = descriptor
        }
    }

    /// More files than this are written through to the disk by one call for the whole file system.
    private static let largestBatch = 64

    /// Nil once there are too many.
    private var files: [File]? = []

    func add(_ descriptor: consuming FileDescriptor, _ path: String) {
        guard let count = files?.count, count < Self.largestBatch else {
            files = nil
            return
        }
        descriptor.startWriteback()
        files!.append(File(path, descriptor))
    }

    /// Writes them through to the disk, and the names in the folder that they lie in.
    func synchronize(_ folder: borrowing Folder) throws(StoreError) {
        do {
            guard let files else {
                try folder.descriptor.synchronizeFileSystem()
                return
            }
            for file in files {
                try retryingInterrupts("fsync", on: file.path) { fsync(file.descriptor.number) }
            }
        } catch {
            throw .system(doing: "write to the disk", error.subject.isEmpty ? error.naming(folder.path) : error)
        }
        try folder.synchronize()
    }
}

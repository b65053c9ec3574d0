import Glibc
import Linux

/// How the store's files are read and written.
extension Folder {
    /// A file's bytes with the file itself, which stays open.
    struct OpenFile: ~Copyable {
        let bytes: [UInt8]
        let descriptor: FileDescriptor

        consuming func releaseDescriptor() -> FileDescriptor { descriptor }
    }

    /// Reads a file that is at most `limit` bytes long; nil where there is none.
    ///
    /// What lies there is trusted as little as its content: a link is not followed, and a FIFO or a
    /// device is refused without waiting for it.
    borrowing func read(_ name: String, limit: Int) throws(StoreError) -> OpenFile? {
        let path = path(of: name)
        do {
            let descriptor = try FileDescriptor.open(
                name, in: self.descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            let status = try descriptor.status()
            guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
                throw StoreError.damaged(file: path, what: .broken)
            }
            return OpenFile(bytes: try descriptor.read(atMost: Int(status.st_size)), descriptor: descriptor)
        } catch let error as StoreError {
            throw error
        } catch {
            let error = error as! SystemCallError
            switch error.code {
            case ENOENT: return nil
            case ELOOP: throw .damaged(file: path, what: .broken)
            default: throw .system(doing: "read the store", error.naming(path))
            }
        }
    }

    /// Makes a file that isn't there yet, mode 0600, and writes it, but not yet through to the disk.
    borrowing func create(_ name: String, _ bytes: [UInt8]) throws(StoreError) -> FileDescriptor {
        do {
            let descriptor = try FileDescriptor.open(
                name, in: descriptor.number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try descriptor.writeAll(bytes)
            return descriptor
        } catch {
            throw .system(doing: "write to the store", error.naming(path(of: name)))
        }
    }

    /// Replaces a file, or makes it, so that a crash at any instruction leaves the old or the new one.
    ///
    /// Only for the holder of the store's lock, because the temporary file's name is fixed. That way a
    /// temporary file that a crash left behind is overwritten and never piles up.
    ///
    /// - Returns: the new file, open.
    @discardableResult
    borrowing func replace(_ name: String, with bytes: [UInt8]) throws(StoreError) -> FileDescriptor {
        let temporary = name + ".new"
        try remove(temporary)
        let file = try create(temporary, bytes)
        do {
            try retryingInterrupts("fsync", on: path(of: temporary)) { fsync(file.number) }
            try retryingInterrupts("rename", on: path(of: name)) {
                renameat(descriptor.number, temporary, descriptor.number, name)
            }
        } catch {
            unlinkat(descriptor.number, temporary, 0)
            throw .system(doing: "write to the store", error)
        }
        try synchronize()
        return file
    }
}

extension FileDescriptor {
    /// The next `count` bytes, or fewer where the file ends before.
    func read(atMost count: Int) throws(SystemCallError) -> [UInt8] {
        var failure: SystemCallError?
        let number = number
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let rest = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                let got = Glibc.read(number, rest.baseAddress, rest.count)
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    break
                } else if errno != EINTR {
                    failure = SystemCallError("read")
                    break
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

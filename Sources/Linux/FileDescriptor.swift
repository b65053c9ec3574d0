import CLinux
import Glibc

/// An open file descriptor with one owner, closed when that owner goes away.
///
/// It cannot be copied, so a descriptor that leaks or is closed twice does not compile.
/// Every descriptor made here has `O_CLOEXEC` set: nothing is inherited by accident.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for calls that take one; it is valid while this value lives.
    public let number: Int32

    /// Takes ownership of an open descriptor.
    public init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// Gives up ownership without closing.
    public consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    /// Another descriptor for the same open file description (`F_DUPFD_CLOEXEC`).
    public func duplicate() throws(SystemCallError) -> FileDescriptor {
        FileDescriptor(owning: try retryingInterrupts("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }
}

/// `O_PATH` of open(2): a place in the filesystem, without the right to read it.
public let O_PATH = Int32(CLINUX_O_PATH)

extension FileDescriptor {
    /// How openat2(2) may walk a path.
    public struct Resolution: OptionSet, Sendable {
        public let rawValue: UInt64
        public init(rawValue: UInt64) { self.rawValue = rawValue }
        /// Refuses every symbolic link on the way.
        public static let noSymlinks = Resolution(rawValue: UInt64(CLINUX_RESOLVE_NO_SYMLINKS))
        /// Refuses the links of `/proc/PID/fd` and their like.
        public static let noMagicLinks = Resolution(rawValue: UInt64(CLINUX_RESOLVE_NO_MAGICLINKS))
        /// Refuses to leave the directory that the walk starts in.
        public static let beneath = Resolution(rawValue: UInt64(CLINUX_RESOLVE_BENEATH))
        /// Takes the directory that the walk starts in for the root, whatever links and `..` lead to.
        public static let inRoot = Resolution(rawValue: UInt64(CLINUX_RESOLVE_IN_ROOT))
        /// Refuses to enter another mount.
        public static let noMounts = Resolution(rawValue: UInt64(CLINUX_RESOLVE_NO_XDEV))
    }

    /// Opens a file with openat2(2), always `O_CLOEXEC`.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to `directory`.
    ///   - directory: the descriptor of the directory to start from; the working directory by default.
    ///   - flags: as for open(2).
    ///   - mode: permission bits of a file that the call creates.
    ///   - resolution: restrictions on the walk.
    public static func open(
        _ path: String, in directory: Int32 = AT_FDCWD, _ flags: Int32, mode: UInt32 = 0,
        resolution: Resolution = []
    ) throws(SystemCallError) -> FileDescriptor {
        let number = try retryingInterrupts("openat2", on: path) {
            clinux_openat2(
                directory, path, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), UInt64(mode), resolution.rawValue)
        }
        return FileDescriptor(owning: number)
    }

    /// The same for a path in the kernel's own bytes.
    public static func open(
        bytes path: [UInt8], in directory: Int32, _ flags: Int32, mode: UInt32 = 0, resolution: Resolution = []
    ) throws(SystemCallError) -> FileDescriptor {
        guard !path.contains(0) else { throw SystemCallError("openat2", String(decoding: path, as: UTF8.self), code: EINVAL) }
        let words = path.map { CChar(bitPattern: $0) } + [0]
        let number = try retryingInterrupts("openat2", on: String(decoding: path, as: UTF8.self)) {
            clinux_openat2(
                directory, words, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), UInt64(mode), resolution.rawValue)
        }
        return FileDescriptor(owning: number)
    }

    /// The file's metadata (fstat(2)).
    public func status() throws(SystemCallError) -> stat {
        var result = stat()
        try retryingInterrupts("fstat") { fstat(number, &result) }
        return result
    }

    /// The magic number of the filesystem that the file lies on (statfs(2)); 0 where it can't be told.
    public var fileSystemType: UInt32 { clinux_filesystem_type(number) }

    /// Writes everything that this file's file system still has to write through to the disk (syncfs(2)).
    public func synchronizeFileSystem() throws(SystemCallError) {
        try retryingInterrupts("syncfs") { clinux_syncfs(number) }
    }

    /// Has the kernel start writing the file to the disk, without waiting for it (sync_file_range(2)).
    ///
    /// Promises nothing about durability, which takes an fsync(2) later; that one is quicker for it.
    public func startWriteback() {
        _ = clinux_start_writeback(number)
    }

    /// Writes all the bytes, however many calls that takes.
    public func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try retryingInterrupts("write") {
                write(number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes all the bytes, however many calls that takes.
    public func writeAll(_ bytes: [UInt8]) throws(SystemCallError) {
        do {
            try bytes.withUnsafeBytes { buffer in try writeAll(buffer) }
        } catch {
            throw error as! SystemCallError
        }
    }

    /// Reads until the buffer is full or the file ends.
    ///
    /// - Returns: how many bytes were read.
    public func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(SystemCallError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try retryingInterrupts("read") { read(number, rest.baseAddress, rest.count) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Everything up to the end of the file, or nil where that is more than `limit` bytes.
    ///
    /// Not for secrets: the bytes land in ordinary memory.
    public func readAll(limit: Int = .max) throws(SystemCallError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = try retryingInterrupts("read") { read(number, &chunk, chunk.count) }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { return nil }
            bytes += chunk[..<count]
        }
    }
}

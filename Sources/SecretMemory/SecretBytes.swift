import CSodium
import Glibc
import Linux

/// Bytes that must not get about: a secret's value, or a key.
///
/// They live in memory of their own, away from the heap: locked so that they are not swapped out, left out
/// of core dumps, and wiped when this value goes away. The value has one owner and cannot be copied; and
/// because it is `~Copyable` it cannot be printed, interpolated, put into a collection or compared with `==`
/// either, so a leak by accident does not compile.
///
/// Small values share an arena between two guard pages: what runs over the end of anything else stops there
/// and never reaches them, but no guard page stands between two of them. Where `RLIMIT_MEMLOCK` forbids the
/// locking the memory is used unlocked: an unprivileged user may have more secrets than the limit covers,
/// and refusing them would protect nobody.
public struct SecretBytes: ~Copyable, Sendable {
    private let memory: GuardedMemory
    /// How many bytes there are.
    public private(set) var count: Int

    /// Zeroed bytes, to be filled by `withUnsafeMutableBytes`.
    ///
    /// - Throws: `ENOMEM` where the machine has no memory, or the process no mappings, left.
    public init(count: Int) throws(SystemCallError) {
        Sodium.start()
        memory = try GuardedMemory(count: count)
        self.count = count
    }

    /// A guarded copy of bytes that are already in ordinary memory, such as an environment variable's.
    public init(copying bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
        try self.init(count: bytes.count)
        UnsafeMutableRawBufferPointer(start: memory.address, count: count).copyMemory(from: bytes)
    }

    /// A guarded copy of bytes that were in ordinary memory already; that memory is not wiped.
    public init(copying bytes: [UInt8]) throws(SystemCallError) {
        try self.init(count: bytes.count)
        UnsafeMutableRawBufferPointer(start: memory.address, count: count).copyBytes(from: bytes)
    }

    /// Lends the bytes for the duration of `body`, which must not keep the pointer.
    public borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: memory.address, count: count))
    }

    /// Lends the bytes for writing for the duration of `body`, which must not keep the pointer.
    public mutating func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(start: memory.address, count: count))
    }

    /// Whether two values hold the same bytes, in a time that depends on nothing but their size.
    public borrowing func equalsInConstantTime(_ other: borrowing SecretBytes) -> Bool {
        count == other.count && sodium_memcmp(memory.address, other.memory.address, count) == 0
    }
}

extension SecretBytes {
    /// Reads everything up to the end of a file, straight into guarded memory.
    ///
    /// Nil where there are more than `limit` bytes.
    ///
    /// - Throws: what read(2) says.
    public init?(readingFrom descriptor: borrowing FileDescriptor, limit: Int) throws(SystemCallError) {
        // One byte more than a regular file has, so that the end is seen without growing.
        let status = try descriptor.status()
        let expected = status.st_mode & S_IFMT == S_IFREG ? Int(clamping: status.st_size) : 4096
        var buffer = try SecretBytes(count: min(expected, limit) + 1)
        var filled = 0
        while true {
            let count = try buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                return try retryingInterrupts("read") { read(descriptor.number, rest.baseAddress, rest.count) }
            }
            filled += count
            if filled > limit { return nil }
            if count == 0 { break }
            if filled == buffer.count {
                buffer = try buffer.enlarged(to: min(filled * 2, limit + 1))
            }
        }
        buffer.count = filled
        self = buffer
    }

    private borrowing func enlarged(to count: Int) throws(SystemCallError) -> SecretBytes {
        let result = try SecretBytes(count: count)
        memcpy(result.memory.address, memory.address, self.count)
        return result
    }
}

/// libsodium, made ready before its first use.
public enum Sodium {
    private static let isReady = sodium_init() >= 0

    /// Fails only where the kernel gives no randomness; nothing could be sealed then.
    public static func start() {
        precondition(isReady, "libsodium could not be initialised: the kernel gives no random numbers")
    }
}

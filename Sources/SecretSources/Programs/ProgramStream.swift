import Glibc
import Linux
import SecretMemory
import SourceProtocol

/// A pipe that a program writes to, and what has come out of it so far, in guarded memory.
struct ProgramStream: ~Copyable {
    private let reader: FileDescriptor
    private var buffer: SecretBuffer
    private let limit: Int
    private var isAtEnd = false
    /// Whether there was more than the limit; what is beyond it is dropped.
    private(set) var isOverfull = false

    /// - Parameter reader: the pipe's end; it is read without waiting from now on.
    init(_ reader: consuming FileDescriptor, limit: Int) throws(SourceError) {
        _ = fcntl(reader.number, F_SETFL, O_NONBLOCK)
        buffer = try SecretBuffer()
        self.reader = reader
        self.limit = limit
    }

    /// What to poll(2): no descriptor after the end, which would be ready for ever.
    var awaited: Int32 { isAtEnd ? -1 : reader.number }

    /// Takes what is there, without waiting for more.
    mutating func drain() throws {
        var chunk = try SecretBytes(count: 16384)
        while !isAtEnd {
            let count = chunk.withUnsafeMutableBytes { read(reader.number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            guard count >= 0 else { throw SystemCallError("read") }
            isAtEnd = count == 0
            let room = limit - buffer.count
            if count > room { isOverfull = true }
            let kept = chunk.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[..<min(count, room)]) }
            try buffer.append(kept)
            extendLifetime(chunk)
        }
    }

    func bytes() throws -> SecretBytes {
        try buffer.bytes()
    }
}

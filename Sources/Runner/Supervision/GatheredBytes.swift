import Linux

/// Small secrets on their way into the socket, put together: a call for each would wake the supervisor for each.
final class GatheredBytes {
    private let buffer: LockedBuffer
    private var used = 0
    private let send: (UnsafeRawBufferPointer) throws -> Void

    /// - Parameter send: takes what was gathered.
    init(send: @escaping (UnsafeRawBufferPointer) throws -> Void) throws(SystemCallError) {
        buffer = try LockedBuffer(count: 32 * 1024)
        self.send = send
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        // What is big has a call of its own, and no copy.
        let isBig = bytes.count > buffer.count / 2
        if isBig || used + bytes.count > buffer.count { try flush() }
        if isBig { return try send(bytes) }
        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[used...]).copyMemory(from: bytes)
        used += bytes.count
    }

    func flush() throws {
        if used > 0 { try send(buffer.slice(0..<used)) }
        used = 0
    }
}

import CLinux
import Glibc

/// The memory that all output passes through: one thread reads, so one buffer is enough.
final class OutputBuffer {
    nonisolated(unsafe) static let shared = OutputBuffer()

    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: widePipe, alignment: 16)
    private var lines = LineBuffer()

    /// How much a pipe holds as Linux makes it, in bytes (pipe(7)).
    private static let usualPipe = 64 * 1024
    /// How much one holds whose service writes faster than it is read: fewer times that the two have to wait for each other.
    private static let widePipe = 256 * 1024

    /// What is handed on at once, in bytes: each line may become many times as long.
    private static let piece = 64 * 1024

    /// How much a pipe can hold at most, in bytes.
    static func capacity(of pipe: Int32) -> Int { max(Int(clinux_pipe_size(pipe)), usualPipe) }

    /// Reads what is there.
    ///
    /// - Parameter limit: how much at most, in bytes.
    /// - Returns: as read(2).
    func read(_ descriptor: Int32, limit: Int = .max, body: (UnsafeRawBufferPointer, inout LineBuffer) -> Void) -> Int {
        let count = Glibc.read(descriptor, bytes.baseAddress, min(bytes.count, limit))
        guard count > 0 else { return count }
        if count == Self.usualPipe { clinux_widen_pipe(descriptor, Int32(Self.widePipe)) }
        for start in stride(from: 0, to: count, by: Self.piece) {
            body(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.piece, count)]), &lines)
        }
        // Empty lines become seventy bytes each; that much need not be kept.
        if lines.capacity > 16 * Self.piece { lines = LineBuffer() }
        return count
    }
}

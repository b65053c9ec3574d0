import CLinux
import Glibc

/// The memory that all output passes through: one thread reads, so one buffer is enough.
final class OutputBuffer {
    nonisolated(unsafe) static let shared = OutputBuffer()

    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: readLimit, alignment: 16)
    private var lines = LineBuffer()

    /// How much a pipe holds as Linux makes it, in bytes (pipe(7)).
    private static let usualPipe = 64 * 1024
    /// How much one holds whose service writes faster than it is read: fewer times that the two have to wait for each other. Root's is as much as
    /// anybody may have by themselves (pipe(7), pipe-max-size); an ordinary user has a share of all pipes together (pipe-user-pages-soft).
    private static let widePipe = geteuid() == 0 ? 1 << 20 : 256 << 10
    /// How much is read at once: whoever asks the supervisor something meanwhile waits for as long as that takes for each service that prints.
    private static let readLimit = 256 << 10
    /// Memory for lines that is not given back.
    private static let keptLines = 1 << 20

    /// How much a pipe can hold at most, in bytes.
    static func capacity(of pipe: Int32) -> Int { max(Int(clinux_pipe_size(pipe)), usualPipe) }

    /// Reads what is there.
    ///
    /// - Parameter limit: how much at most, in bytes.
    /// - Returns: as read(2).
    func read(_ descriptor: Int32, limit: Int = .max, body: (UnsafeRawBufferPointer, inout LineBuffer) -> Void) -> Int {
        let count = Glibc.read(descriptor, bytes.baseAddress, min(bytes.count, limit))
        guard count > 0 else { return count }
        // It may be full with half of that: what does not fit on a page with what is there gets one of its own.
        if (Self.usualPipe / 2...Self.usualPipe).contains(count), Self.capacity(of: descriptor) == Self.usualPipe {
            clinux_widen_pipe(descriptor, Int32(Self.widePipe))
        }
        body(UnsafeRawBufferPointer(rebasing: bytes[..<count]), &lines)
        if lines.capacity > Self.keptLines { lines = LineBuffer() }
        return count
    }
}

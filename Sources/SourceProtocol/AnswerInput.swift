import Glibc
import Linux

/// The end of the pipe that answers come out of. Nothing that is written to it, or not written, keeps its reader for ever.
public struct AnswerInput: ~Copyable {
    private let pipe: FileDescriptor
    private let writer: Int32
    private let deadline: Instant
    private let onWait: () -> Void

    /// - Parameters:
    ///   - pipe: its end to read from.
    ///   - writer: readable once the process that writes to it has ended (pidfd_open(2)): what that left running is not waited for.
    ///   - deadline: for all that comes.
    ///   - onWait: called about ten times a second while nothing comes.
    public init(
        _ pipe: consuming FileDescriptor, writer: Int32, deadline: Instant, onWait: @escaping () -> Void = {}
    ) {
        self.pipe = pipe
        self.writer = writer
        self.deadline = deadline
        self.onWait = onWait
    }

    /// Reads until the buffer is full, or nothing comes any more.
    ///
    /// - Returns: how many bytes were read.
    /// - Throws: `SourceError` where the time is over; `SystemCallError`.
    borrowing func fill(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        while filled < buffer.count {
            guard try awaitBytes() else { break }
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try retryingInterrupts("read") { read(pipe.number, rest.baseAddress, rest.count) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// - Returns: false where none will come.
    private borrowing func awaitBytes() throws -> Bool {
        while true {
            guard Instant.now < deadline else {
                throw SourceError("stackup-sources took too long and was ended", isTransient: true)
            }
            var waited = [pollfd(fd: pipe.number, events: Int16(POLLIN), revents: 0), pollfd(fd: writer, events: Int16(POLLIN), revents: 0)]
            let count = poll(&waited, 2, 100)
            if count < 0, errno != EINTR { throw SystemCallError("poll") }
            // All that a process wrote lies in the pipe when it has ended.
            if waited[0].revents != 0 { return true }
            if count > 0 { return false }
            onWait()
        }
    }
}

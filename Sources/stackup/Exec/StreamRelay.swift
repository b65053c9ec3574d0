import Glibc
import Linux

/// One direction of what passes between the caller and a command: bytes go from one descriptor to another.
///
/// Where both can be had without waiting (`O_NONBLOCK`), who reads slowly holds up this direction and no other.
final class StreamRelay {
    private var source: FileDescriptor?
    private var destination: FileDescriptor?
    /// Read, and not taken yet.
    private var pending: ArraySlice<UInt8> = []
    /// Tells when a terminal's input is ours to read.
    private let input: TerminalInput?

    init(from source: consuming FileDescriptor, to destination: consuming FileDescriptor, input: TerminalInput? = nil) {
        self.source = consume source
        self.destination = consume destination
        self.input = input
    }

    /// What poll(2) is to wait for; nil where there is nothing to wait for at the moment.
    var wanted: pollfd? {
        guard let source = source?.number, let destination = destination?.number else { return nil }
        if !pending.isEmpty { return pollfd(fd: destination, events: Int16(POLLOUT), revents: 0) }
        return isHeld ? nil : pollfd(fd: source, events: Int16(POLLIN), revents: 0)
    }

    /// Whether somebody else has the terminal, for now.
    var isHeld: Bool { source != nil && input?.isOurs == false }

    /// Reads and writes what can be had at once.
    ///
    /// - Returns: whether anything was.
    @discardableResult
    func proceed() -> Bool {
        if !pending.isEmpty { return write() }
        guard let source = source?.number, !isHeld else { return false }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(source, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return false }
        // A pseudo-terminal that nobody has open any more gives EIO.
        guard count > 0 else {
            close()
            return false
        }
        pending = buffer[..<count]
        return write()
    }

    /// Passes on what a command has left that ended. A process that it left behind may write for ever, so there is an end to it:
    /// what the command itself wrote is no more than pipes and terminals hold.
    func drain(orUntil interrupted: () -> Bool) {
        let room = 1 << 20
        var passes = room / 65536
        while passes > 0, var state = wanted {
            // What is still to come was not the command's; but whoever reads here may be slow.
            let ready = poll(&state, 1, pending.isEmpty ? 0 : 100)
            if ready == 0, pending.isEmpty || interrupted() { return }
            guard ready > 0 else { continue }
            if proceed(), pending.isEmpty { passes -= 1 }
        }
    }

    /// Lets go of both ends: the command sees the end of its input, or nobody to read its output.
    func close() {
        source = nil
        destination = nil
        pending = []
    }

    private func write() -> Bool {
        guard let destination = destination?.number else { return false }
        let count = pending.withUnsafeBytes { Glibc.write(destination, $0.baseAddress, $0.count) }
        if count > 0 {
            pending = pending.dropFirst(count)
        } else if count < 0, errno != EINTR, errno != EAGAIN {
            close()
        }
        return count > 0
    }
}

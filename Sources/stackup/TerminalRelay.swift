import CLinux
import Glibc
import Linux
import Terminal

/// Joins the caller's terminal to that of a command in an instance.
enum TerminalRelay {
    /// Passes bytes both ways, and changes of the window's size, until the command ends and its output is read.
    ///
    /// - Parameters:
    ///   - master: the instance's terminal.
    ///   - command: readable once the command has ended (pidfd_open(2)).
    static func run(_ master: borrowing FileDescriptor, until command: borrowing FileDescriptor) {
        guard let raw = RawMode(STDIN_FILENO) else { return }
        relay(master, command)
        // Until here the terminal is raw.
        _ = consume raw
    }

    private static func relay(_ master: borrowing FileDescriptor, _ command: borrowing FileDescriptor) {
        let resized = windowChanges()
        copySize(to: master.number)
        var wanted = [
            pollfd(fd: master.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: resized.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: command.number, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&wanted, nfds_t(wanted.count), -1) >= 0 || errno == EINTR else { return }
            if wanted[2].revents != 0 {
                drain(resized.number)
                copySize(to: master.number)
            }
            // The input may end before the command does; its output still counts.
            if wanted[1].revents != 0, !copy(from: STDIN_FILENO, to: master.number) { wanted[1].fd = -1 }
            if wanted[0].revents != 0 {
                // EIO: the last process of that terminal has gone.
                if !copy(from: master.number, to: STDOUT_FILENO) { return }
            } else if wanted[3].revents != 0 {
                return
            }
        }
    }

    /// A descriptor that is readable when the window's size changed (signalfd(2)).
    private static func windowChanges() -> FileDescriptor {
        FileDescriptor(owning: clinux_signal_descriptor([SIGWINCH, 0]))
    }

    private static func drain(_ descriptor: Int32) {
        var record = [UInt8](repeating: 0, count: 128)
        _ = read(descriptor, &record, record.count)
    }

    private static func copySize(to master: Int32) {
        var size = winsize()
        if ioctl(STDIN_FILENO, UInt(TIOCGWINSZ), &size) == 0 { _ = ioctl(master, UInt(TIOCSWINSZ), &size) }
    }

    /// - Returns: false at the end.
    private static func copy(from source: Int32, to destination: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16384)
        let count = read(source, &buffer, buffer.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN }
        guard count > 0 else { return false }
        var rest = buffer[..<count]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(destination, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(written)
        }
        return true
    }
}

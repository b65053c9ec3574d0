import Glibc

/// Whether a descriptor is a terminal (isatty(3)).
public func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1
}

/// The size of a terminal in characters.
public struct TerminalSize: Sendable, Equatable {
    public var columns: Int
    public var rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// What a terminal has when it does not say.
    public static let standard = TerminalSize(columns: 80, rows: 24)

    /// The size of the terminal behind a descriptor (ioctl_tty(2), `TIOCGWINSZ`), or nil where it is no terminal or
    /// does not know its size, as a serial line.
    public init?(of descriptor: Int32) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        self.init(columns: Int(size.ws_col), rows: size.ws_row > 0 ? Int(size.ws_row) : Self.standard.rows)
    }
}

/// How many columns there are for text that goes to a descriptor, standard output by default: those of the terminal,
/// or as many as one has that does not say.
public func outputWidth(_ descriptor: Int32 = STDOUT_FILENO) -> Int {
    (TerminalSize(of: descriptor) ?? .standard).columns
}

/// A terminal in raw mode (termios(3), cfmakeraw) for as long as this value lives: keys arrive one by one and
/// unread, for an `exec` whose far end has the terminal's real line discipline.
///
/// Its owner must let it go before the process exits; after `exit(3)` the terminal stays raw.
public struct RawMode: ~Copyable {
    private let descriptor: Int32
    private let saved: termios

    /// - Parameter descriptor: an open terminal; stays the caller's.
    /// - Returns: nil where it is no terminal, and nothing has changed.
    public init?(_ descriptor: Int32) {
        var saved = termios()
        guard tcgetattr(descriptor, &saved) == 0 else { return nil }
        var raw = saved
        cfmakeraw(&raw)
        guard tcsetattr(descriptor, TCSADRAIN, &raw) == 0 else { return nil }
        self.descriptor = descriptor
        self.saved = saved
    }

    deinit {
        var saved = saved
        tcsetattr(descriptor, TCSADRAIN, &saved)
    }
}

/// Writes text to a descriptor, however many calls that takes; what cannot be written (a closed pipe, a full
/// disk) is dropped.
///
/// - Returns: whether all of it went out; `errno` says why not.
@discardableResult
public func put(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { put(UnsafeRawBufferPointer($0), to: descriptor) }
}

/// Writes bytes to a descriptor, as ``put(_:to:)-(String,_)`` does text.
///
/// - Returns: whether all of them went out; `errno` says why not.
@discardableResult
public func put(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
        let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
        if count > 0 {
            written += count
        } else if errno == EAGAIN {
            // A terminal shared with a program that made it non-blocking.
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&waiting, 1, -1)
        } else if errno != EINTR {
            return false
        }
    }
    return true
}

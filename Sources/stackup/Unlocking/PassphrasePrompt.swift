import CLinux
import Glibc
import Linux
import SecretMemory

/// The caller's terminal, asked for a passphrase: what is typed isn't shown, and goes straight into guarded memory.
struct PassphrasePrompt: ~Copyable {
    private static let limit = 1024
    /// Those that end or stop a process while it waits for input, by default.
    private static let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]

    private let terminal: FileDescriptor

    /// Nil where there is no terminal: of a service, of cron(8), or in a pipeline of a CI.
    init?() {
        guard let terminal = try? FileDescriptor.open("/dev/tty", O_RDWR | O_NOCTTY) else { return nil }
        self.terminal = terminal
    }

    /// Asks once.
    ///
    /// - Returns: nil where nothing is typed, or more than a passphrase can have.
    func ask(_ question: String) throws(SystemCallError) -> SecretBytes? {
        while true {
            var mask = sigset_t()
            sigprocmask(SIG_BLOCK, nil, &mask)
            let waiting = FileDescriptor(owning: try retryingInterrupts("signalfd") { clinux_signal_descriptor(Self.signals + [0]) })
            let answer = try readUnseen(question, signals: waiting.number)
            sigprocmask(SIG_SETMASK, &mask, nil)
            switch consume answer {
            case .typed(let passphrase): return passphrase
            case .nothing: return nil
            // The terminal is as it was. Who is stopped and goes on is asked again.
            case .signal(let number): raise(number)
            }
        }
    }

    private enum Answer: ~Copyable {
        case typed(SecretBytes)
        case nothing
        case signal(Int32)
    }

    private func readUnseen(_ question: String, signals: Int32) throws(SystemCallError) -> Answer {
        var settings = termios()
        let number = terminal.number
        try retryingInterrupts("tcgetattr") { tcgetattr(number, &settings) }
        var unseen = settings
        unseen.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK | ECHONL)
        unseen.c_lflag |= tcflag_t(ICANON | ISIG)
        // What was typed before the question is no answer to it.
        try retryingInterrupts("tcsetattr") { tcsetattr(number, TCSAFLUSH, &unseen) }
        defer { tcsetattr(number, TCSAFLUSH, &settings) }
        try terminal.writeAll(Array(question.utf8))
        let answer = try readLine(signals: signals)
        try terminal.writeAll(Array("\n".utf8))
        return answer
    }

    private func readLine(signals: Int32) throws(SystemCallError) -> Answer {
        var ready = [
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0), pollfd(fd: terminal.number, events: Int16(POLLIN), revents: 0),
        ]
        try retryingInterrupts("poll") { poll(&ready, nfds_t(ready.count), -1) }
        if ready[0].revents != 0 {
            let signal = clinux_next_signal(signals)
            if signal > 0 { return .signal(signal) }
        }
        var line = try SecretBytes(count: Self.limit + 1)
        let number = terminal.number
        // The terminal hands over whole lines.
        let count = try line.withUnsafeMutableBytes { line throws(SystemCallError) in
            try retryingInterrupts("read") { read(number, line.baseAddress, line.count) }
        }
        guard count > 1, count <= Self.limit, line.withUnsafeBytes({ $0[count - 1] == UInt8(ascii: "\n") }) else { return .nothing }
        return .typed(try line.prefix(count - 1))
    }
}

/// The descriptor of `--passphrase-fd`, which gives a passphrase a line.
struct PassphraseDescriptor: ~Copyable {
    private static let limit = 1024

    private let number: Int32

    /// - Parameter number: an open descriptor of the caller's; no program that is started from here on gets it.
    /// - Throws: `EBADF` where it isn't open.
    init(_ number: Int32) throws(SystemCallError) {
        try retryingInterrupts("fcntl") { fcntl(number, F_SETFD, FD_CLOEXEC) }
        self.number = number
    }

    /// The next line, without its end; nil where there is none, or it is longer than a passphrase can be.
    ///
    /// It is read byte by byte, since what follows may be somebody else's: a secret's value on standard input.
    func next() throws(SystemCallError) -> SecretBytes? {
        var line = try SecretBytes(count: Self.limit)
        var filled = 0
        let number = number
        while filled < Self.limit {
            let count = try line.withUnsafeMutableBytes { line throws(SystemCallError) in
                try retryingInterrupts("read") { read(number, line.baseAddress! + filled, 1) }
            }
            if count == 0 || line.withUnsafeBytes({ $0[filled] == UInt8(ascii: "\n") }) {
                return filled == 0 ? nil : try line.prefix(filled)
            }
            filled += 1
        }
        return nil
    }
}

extension SecretBytes {
    /// A guarded copy of the first bytes.
    fileprivate borrowing func prefix(_ count: Int) throws(SystemCallError) -> SecretBytes {
        try withUnsafeBytes { bytes throws(SystemCallError) in
            try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
    }
}

import CLinux
import Glibc
import Linux
import Terminal

/// What stands between the caller of `exec` or `run` and the command: signals are passed on, and so is what comes and goes by
/// the caller's terminal.
///
/// The command never gets that terminal itself. Something that it leaves behind would go on reading what is typed there,
/// a password perhaps, and writing to it. It has a terminal of the instance's own, or else a pipe in the place of each
/// of its standard streams that is a terminal, another device than /dev/null, which it could give orders to (ioctl(2)), or a
/// folder, from which it could go on to the whole host. Files, pipes and sockets are handed over as they are.
final class CommandRelay {
    /// What becomes the command's standard input, output and error.
    private(set) var commandStreams: [Int32] = []
    /// The command's ends of pipes, until it has them.
    private var commandEnds: [OpenDescriptor] = []
    private var input: StreamRelay?
    private var outputs: [StreamRelay] = []
    private var master: FileDescriptor?
    private let hasTerminal: Bool
    private var signals: FileDescriptor?
    private var hasInterrupted = false

    /// - Parameters:
    ///   - terminal: whether the command gets a terminal of the instance's own.
    ///   - input: whether it gets the caller's standard input.
    init(terminal: Bool, input: Bool = true) throws(SystemCallError) {
        hasTerminal = terminal
        for stream in STDIN_FILENO...STDERR_FILENO {
            if terminal || stream == STDIN_FILENO && !input {
                give(try FileDescriptor.open("/dev/null", O_RDWR))
            } else if Self.mayBeHandedOver(stream) {
                commandStreams.append(stream)
            } else {
                try replace(stream)
            }
        }
    }

    /// Signals wait from here on until there is a command that they can be passed on to.
    func catchSignals() throws(SystemCallError) {
        // Those that the caller ignores are no business of the command's (nohup(1), `command &` of sh(1)).
        let passedOn = ([SIGINT, SIGTERM, SIGQUIT, SIGHUP] + (hasTerminal ? [SIGWINCH] : [])).filter { !Self.isIgnored($0) }
        signals = FileDescriptor(owning: try retryingInterrupts("signalfd") { clinux_signal_descriptor(passedOn + [0]) })
    }

    private var signalDescriptor: Int32 {
        switch signals {
        case .some(let descriptor): descriptor.number
        case .none: -1
        }
    }

    private static func mayBeHandedOver(_ stream: Int32) -> Bool {
        var status = stat()
        guard fstat(stream, &status) == 0 else { return false }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFIFO, S_IFSOCK: return true
        case S_IFCHR: return status.st_rdev == null
        // Such as an eventfd.
        default: return false
        }
    }

    /// `makedev(1, 3)`
    private static let null: dev_t = 0x103

    /// Gives the command a pipe instead of the caller's terminal, or other device.
    private func replace(_ stream: Int32) throws(SystemCallError) {
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("pipe2") { clinux_pipe(&ends) }
        let reading = FileDescriptor(owning: ends[0])
        let writing = FileDescriptor(owning: ends[1])
        let terminal = try Self.ownDescription(of: stream)
        if stream == STDIN_FILENO {
            Self.neverBlock(writing.number)
            give(reading)
            input = StreamRelay(from: terminal, to: writing, input: isatty(stream) == 1 ? try TerminalInput(stream) : nil)
        } else {
            Self.neverBlock(reading.number)
            give(writing)
            outputs.append(StreamRelay(from: reading, to: terminal))
        }
    }

    private func give(_ descriptor: consuming FileDescriptor) {
        commandStreams.append(descriptor.number)
        commandEnds.append(OpenDescriptor(descriptor))
    }

    /// The caller's terminal, opened again: not to wait for it is nobody else's business. One that is not ours to open
    /// (after su(1), say) is used as it is.
    private static func ownDescription(of stream: Int32) throws(SystemCallError) -> FileDescriptor {
        // To open another device once more may do something.
        guard isatty(stream) == 1 else { return FileDescriptor(owning: try retryingInterrupts("fcntl") { fcntl(stream, F_DUPFD_CLOEXEC, 3) }) }
        let access = stream == STDIN_FILENO ? O_RDONLY : O_WRONLY
        let number = open("/proc/self/fd/\(stream)", access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        if number >= 0 { return FileDescriptor(owning: number) }
        return FileDescriptor(owning: try retryingInterrupts("fcntl") { fcntl(stream, F_DUPFD_CLOEXEC, 3) })
    }

    private static func neverBlock(_ number: Int32) {
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }

    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }

    /// Takes on the command's terminal, which gets the size of the caller's.
    ///
    /// - Parameter master: is closed here.
    func attach(master: Int32) {
        let master = FileDescriptor(owning: master)
        Self.neverBlock(master.number)
        copySize(to: master.number)
        if let reading = try? master.duplicate(), let output = try? Self.ownDescription(of: STDOUT_FILENO) {
            outputs = [StreamRelay(from: reading, to: output)]
        }
        if let writing = try? master.duplicate(), let keyboard = try? Self.ownDescription(of: STDIN_FILENO) {
            input = StreamRelay(from: keyboard, to: writing)
        }
        self.master = consume master
    }

    /// Passes bytes and signals on until the command has ended and what it left is read. Who else has its output open
    /// is not waited for.
    ///
    /// - Parameter command: readable once the command has ended (pidfd_open(2)).
    func run(command: Int32) {
        run(until: command) { _ = clinux_signal_process(command, $0) }
    }

    /// The same for a command whose end is told in another way.
    ///
    /// - Parameters:
    ///   - end: readable once the command has ended.
    ///   - send: sends it a signal.
    func run(until end: Int32, signal send: (Int32) -> Void) {
        releaseCommandEnds()
        if master == nil { return relay(end, send) }
        let raw = RawMode(STDIN_FILENO)
        relay(end, send)
        // Until here the terminal is raw.
        _ = consume raw
    }

    /// The command has its ends of pipes.
    func releaseCommandEnds() { commandEnds = [] }

    private func relay(_ end: Int32, _ send: (Int32) -> Void) {
        while true {
            let streams = (input.map { [$0] } ?? []) + outputs
            let waiting = streams.compactMap { stream in stream.wanted.map { (stream, $0) } }
            var states = [signalDescriptor, end].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) } + waiting.map(\.1)
            // Nothing tells when a terminal is ours again.
            let ready = poll(&states, nfds_t(states.count), streams.contains(where: \.isHeld) ? 100 : -1)
            guard ready >= 0 || errno == EINTR else { return }
            if ready < 0 { continue }
            passSignals(send)
            for (state, stream) in zip(states.dropFirst(2), waiting.map(\.0)) where state.revents != 0 { stream.proceed() }
            guard states[1].revents == 0 else { break }
        }
        for output in outputs { output.drain(orUntil: { passSignals(send) }) }
    }

    /// - Returns: whether there was one that ends processes.
    @discardableResult
    private func passSignals(_ send: (Int32) -> Void) -> Bool {
        var ends = false
        while case let signal = clinux_next_signal(signalDescriptor), signal > 0 {
            if signal == SIGWINCH {
                if let master = master?.number { copySize(to: master) }
                continue
            }
            ends = true
            if signal == SIGINT { hasInterrupted = true }
            send(signal)
            // The caller's terminal is gone, and with it the command's.
            if signal == SIGHUP, master != nil {
                input?.close()
                outputs.forEach { $0.close() }
                master = nil
            }
        }
        return ends
    }

    private func copySize(to master: Int32) {
        var size = winsize()
        if ioctl(STDIN_FILENO, UInt(TIOCGWINSZ), &size) == 0 { _ = ioctl(master, UInt(TIOCSWINSZ), &size) }
    }

    /// Dies of the interrupt that the command died of: a shell that runs a loop of such commands ends it then,
    /// and would go on after any exit status.
    func endAsTheCommandDid(_ status: Int32) {
        guard hasInterrupted, status == 128 + SIGINT else { return }
        signal(SIGINT, SIG_DFL)
        var interrupt = sigset_t()
        sigemptyset(&interrupt)
        sigaddset(&interrupt, SIGINT)
        kill(getpid(), SIGINT)
        sigprocmask(SIG_UNBLOCK, &interrupt, nil)
    }
}

/// A descriptor in a list.
private final class OpenDescriptor {
    let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }
}

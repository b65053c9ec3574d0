import CLinux
import Glibc
import Linux
import Runner
import Terminal

/// What `run` hands over to a one-off, and what it does for it until its end.
///
/// A socket connects it with the instance's pid 1, which needs neither the supervisor's life nor a parent's right to wait: the
/// terminal's master comes over it, then the wait status, and its end tells of the instance's.
final class OneOffAttendant {
    private let key: String
    private let relay: CommandRelay
    private let terminal: WindowSize?
    private let ours: FileDescriptor
    private var theirs: FileDescriptor?
    private var process: FileDescriptor?
    /// Whether its start was begun.
    private(set) var isHeardOf = false

    /// - Parameters:
    ///   - key: the one-off's.
    ///   - terminal: whether it gets a terminal of its own.
    ///   - input: whether it gets the caller's standard input.
    init(key: String, terminal: Bool, input: Bool) throws(SystemCallError) {
        self.key = key
        relay = try CommandRelay(terminal: terminal, input: input)
        var size = winsize()
        _ = ioctl(STDIN_FILENO, UInt(TIOCGWINSZ), &size)
        self.terminal = terminal ? WindowSize(rows: size.ws_row, columns: size.ws_col) : nil
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        ours = FileDescriptor(owning: ends[0])
        theirs = FileDescriptor(owning: ends[1])
    }

    /// What goes to the supervisor.
    var handedOver: (Deployment.Caller, descriptors: [Int32]) {
        let socket = switch theirs {
        case .some(let descriptor): descriptor.number
        case .none: Int32(-1)
        }
        return (Deployment.Caller(terminal: terminal), (terminal == nil ? relay.commandStreams : []) + [socket])
    }

    /// Hears what becomes of it.
    func hear(_ event: InstanceEvent) {
        switch event.kind {
        case .starting:
            isHeardOf = true
            try? relay.catchSignals()
        case .started(let pid): process = FileDescriptor(owning: clinux_pidfd_open(pid))
        default: break
        }
    }

    /// Looks after it until it has ended.
    ///
    /// - Returns: its exit status; 128 + signal where a signal ended it. nil where it was never heard of.
    func attend() -> Int32? {
        theirs = nil
        if !isHeardOf { try? relay.catchSignals() }
        if terminal != nil, case let master = clinux_receive_descriptor(ours.number), master >= 0 { relay.attach(master: master) }
        // It was the instance's when this was opened if the instance lives still: then nothing else can have its number.
        var state = pollfd(fd: ours.number, events: Int16(POLLIN), revents: 0)
        if poll(&state, 1, 0) != 0 { process = nil }
        relay.run(until: ours.number) { signal in
            switch process {
            case .some(let process): _ = clinux_signal_process(process.number, signal)
            case .none: exit(128 + signal)
            }
        }
        guard let status = takeStatus() ?? (isHeardOf ? 128 + SIGKILL : nil) else { return nil }
        relay.endAsTheCommandDid(status)
        return status
    }

    /// How a start that failed ended; nil where it did not come so far.
    var statusOfFailure: Int32? {
        theirs = nil
        relay.releaseCommandEnds()
        // Its terminal may have come so far: by itself, since a descriptor is not read together with what follows.
        if terminal != nil, case let master = clinux_receive_descriptor(ours.number), master >= 0 { close(master) }
        return takeStatus()
    }

    /// - Returns: nil where pid 1 has left none: it was killed.
    private func takeStatus() -> Int32? {
        var status: Int32 = 0
        let count = recv(ours.number, &status, MemoryLayout<Int32>.size, Int32(MSG_WAITALL))
        guard count == MemoryLayout<Int32>.size else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }
}

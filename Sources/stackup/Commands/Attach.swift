import CLinux
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup attach`: a running instance's output, and its end.
enum Attach {
    static let command = Command(
        "attach", summary: "Show a service's output until it ends, and end as it does",
        discussion: """
            What it prints from now on, its standard error apart; when it ends, its exit status is this command's. Signals (SIGINT, SIGTERM, \
            SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2) are passed on to it, so Ctrl-C may end the service. Services have no standard input: what is \
            typed goes nowhere. 'logs -f' shows what it has printed before, too, and lets go without harm.
            """,
        examples: [
            .init("stackup attach web", "as if it had been started here"),
            .init("stackup attach --sig-proxy=false web", "Ctrl-C ends the look, not the service"),
        ],
        options: [
            .value("index", "N", help: "The instance, if the service has several (default: the first that runs)"),
            .flag("no-stdin", help: "Don't say that there is no standard input"),
            .flag("sig-proxy", help: "Pass signals on (the default; --sig-proxy=false doesn't)"),
        ],
        arguments: [.init("SERVICE")])

    private static let passedOn = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

    static func run(_ invocation: Invocation) throws -> Int32 {
        let target = try invocation.targetStack()
        let directories = invocation.paths.directories(of: target.name)
        let session = try StackSession(target.name, invocation, for: .observing)
        // An end after this is told.
        let events = try session.supervisor() == nil ? nil : SupervisorClient.connect(directories)
        try events?.subscribe()
        let state = try session.observe()
        let service = try target.services(named: invocation.operands, observed: state, record: session.record)?[0] ?? ""
        let instance = try state.runningInstance(try invocation.arguments.integer("index", in: 1...Int.max), of: service, in: target)
        if session.record?.services[service]?.plan.logging?.isKept == false {
            throw CommandFailure("the output of service '\(service)' is not kept here; 'logging' in its Compose file says so")
        }
        guard let events else { throw SupervisionError.lostConnection(to: directories) }
        // It may run for days; the store's keys are of no use for it.
        _ = consume session
        invocation.forgetKeys()
        if isatty(STDIN_FILENO) == 1, !invocation.flag("no-stdin") {
            invocation.streams.note("'\(instance.name)' has no standard input: what is typed here goes nowhere")
        }
        let reader = try LogReader(directory: directories.logs, of: .instance(instance.name), tail: 0)
        guard let process = try instance.openProcess() else { throw CommandFailure("'\(instance.name)' has just ended") }
        let proxies = invocation.arguments.flagIfGiven("sig-proxy") ?? true
        let signals = FileDescriptor(owning: try retryingInterrupts("signalfd") { clinux_signal_descriptor((proxies ? passedOn : []) + [0]) })
        return try follow(instance.name, events, reader, signals: signals.number, process.number, directories)
    }

    private static func follow(
        _ instance: String, _ events: SupervisorClient, _ reader: LogReader, signals: Int32, _ process: Int32,
        _ directories: StackDirectories
    ) throws -> Int32 {
        while true {
            // The events first: what an instance wrote is in its log before its end is told.
            let heard = try events.eventsByNow()
            try reader.readAvailable { entry in
                try put(entry.bytes, on: entry.stream == .stdout ? STDOUT_FILENO : STDERR_FILENO, signals: signals, process)
            }
            for case .exited(let code) in (heard ?? []).filter({ $0.instance == instance }).map(\.kind) { return code }
            guard heard != nil else { throw SupervisionError.lostConnection(to: directories) }
            passSignals(signals, process)
            var wanted = [reader.descriptor, events.descriptor, signals].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&wanted, nfds_t(wanted.count), -1)
        }
    }

    /// Writes what the service has printed, as fast as somebody reads it. Signals don't wait for that; one that the service doesn't live to
    /// get ends this command.
    private static func put(_ bytes: [UInt8], on output: Int32, signals: Int32, _ process: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            var wanted = [pollfd(fd: output, events: Int16(POLLOUT), revents: 0), pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
            guard poll(&wanted, 2, -1) > 0 else { continue }
            if wanted[1].revents != 0 { passSignals(signals, process) }
            guard wanted[0].revents != 0 else { continue }
            // A pipe that has room has room for so much (pipe(7)).
            let count = try retryingInterrupts("write", on: output == STDOUT_FILENO ? "standard output" : "standard error") { rest.withUnsafeBytes { write(output, $0.baseAddress, min($0.count, Int(PIPE_BUF))) } }
            rest = rest.dropFirst(count)
        }
    }

    private static func passSignals(_ signals: Int32, _ process: Int32) {
        while case let signal = clinux_next_signal(signals), signal > 0 {
            var end = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
            if poll(&end, 1, 0) > 0 { exit(128 + signal) }
            _ = clinux_signal_process(process, signal)
        }
    }
}

import CLinux
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `up` without `-d`: shows the services' output until all of them have ended, or until Ctrl-C ends them in order.
struct ForegroundStack {
    let supervisor: SupervisorClient
    let directories: StackDirectories
    let services: [String]
    let invocation: Invocation
    /// What was written before is not shown.
    let since: LogTime

    /// - Returns: the exit status: 0 after Ctrl-C, as Compose has it, or once every service has ended.
    func run() throws -> Int32 {
        let signals = FileDescriptor(owning: clinux_signal_descriptor([SIGINT, SIGTERM, SIGHUP, 0]))
        let instances = try supervisor.observe().instances.filter { services.contains($0.service) }
        let reader = try LogReader(directory: directories.logs, instances: instances.map { "\($0.service)-\($0.index)" }, since: since)
        var printer = LogPrinter(invocation, instances: instances.map { "\($0.service)-\($0.index)" })
        while true {
            reader.readAvailable { printer.print($0) }
            if clinux_next_signal(signals.number) > 0 {
                return try stop(reader, &printer)
            }
            if try !anythingRuns() {
                reader.readAvailable { printer.print($0) }
                return 0
            }
            wait(for: [reader.descriptor, signals.number])
        }
    }

    private func anythingRuns() throws -> Bool {
        do {
            return try supervisor.observe().instances.contains { services.contains($0.service) && $0.status != .exited }
        } catch {
            // Another command has taken the stack down. One that was killed leaves its services behind, and is missed.
            guard error == .connectionLost, try !StackRemains.hasLiveInstances(directories) else { throw error }
            return false
        }
    }

    /// Half a second at most, so that the end of the last service is noticed.
    private func wait(for descriptors: [Int32]) {
        var wanted = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&wanted, nfds_t(wanted.count), 500)
    }

    /// Stops in order; a second signal kills. Neither waits for the lock of another command that works on the stack: the
    /// supervisor does one thing after the other.
    private func stop(_ reader: LogReader, _ printer: inout LogPrinter) throws -> Int32 {
        invocation.streams.note("Gracefully stopping... (press Ctrl+C again to force)")
        let display = InstanceProgress(invocation.streams, title: "Stopping")
        killOnNextSignal()
        display.follow(supervisor)
        try supervisor.stop(services: services) { display.show($0) }
        display.finish()
        reader.readAvailable { printer.print($0) }
        return 0
    }

    /// The next signal is waited for beside the request that stops, on a connection of its own.
    private func killOnNextSignal() {
        Background.run { [directories, services] in
            var signals = sigset_t()
            sigemptyset(&signals)
            for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
            var received: Int32 = 0
            guard sigwait(&signals, &received) == 0 else { return }
            try? SupervisorClient.connect(directories)?.kill(services: services, signal: SIGKILL)
        }
    }
}

/// A thread that ends with the process.
private enum Background {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func run(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Work(body)).toOpaque()
        pthread_create(&thread, nil, { argument in
            Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, argument)
        pthread_detach(thread)
    }
}

import CLinux
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `up` without `-d`: shows the services' output until all of them have ended, or until Ctrl-C ends them in order.
struct ForegroundStack {
    let deployed: DeployedStack
    let events: SupervisorClient
    let invocation: Invocation
    /// Follows files beside it (`up --watch`).
    let watcher: StackWatcher?

    /// What a shell has for a command that SIGINT ended; Compose gives it for every signal that ends `up`.
    private static let interrupted: Int32 = 130

    /// - Returns: the exit status: 0 once every service has ended, 130 after a signal.
    func run() throws -> Int32 {
        let signals = FileDescriptor(owning: clinux_signal_descriptor([SIGINT, SIGTERM, SIGHUP, 0]))
        let instances = try deployed.observe()
        let reader = try LogReader(directory: deployed.directories.logs, of: .services(deployed.services), since: deployed.since)
        let follower = LogFollower(
            deployed.supervisor, events: events, reader: reader,
            printer: LogPrinter(invocation, instances: instances, to: .separate, outlivesTerminal: true), directories: deployed.directories,
            services: deployed.services)
        let manager = ServiceManager(environment: invocation.environment)
        manager.notify("READY=1")
        try follower.showAvailable(isDeployed: true)
        try begin(watcher, beside: follower, signals: signals.number)
        switch try follower.follow(interruptedBy: signals.number) {
        case .ended: return 0
        case .interrupted:
            manager.notify("STOPPING=1")
            try stop(follower)
            return Self.interrupted
        }
    }

    private func begin(_ watcher: StackWatcher?, beside follower: LogFollower, signals: Int32) throws {
        guard let watcher else { return }
        watcher.willPrint = { [unowned follower] in follower.finish() }
        watcher.whileWaiting = { [unowned follower] in _ = try? follower.showAvailable() }
        watcher.isOver = {
            var state = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
            return Interruption.wasNoted || poll(&state, 1, 0) > 0
        }
        follower.watch(watcher, streams: invocation.streams)
        try watcher.begin()
    }

    /// Stops in order; a second signal kills. Neither waits for the lock of another command that works on the stack: the
    /// supervisor does one thing after the other.
    private func stop(_ follower: LogFollower) throws {
        follower.finish()
        invocation.streams.note("Gracefully stopping... (press Ctrl+C again to force)")
        let display = InstanceProgress(invocation.streams, title: "Stopping")
        let services = Set(try deployed.observe().map(\.service)).sorted()
        killOnNextSignal(services)
        follower.willPrint = { display.clear() }
        // What a service says while it ends is shown as it comes. How it ends, this request tells as well as the subscription, and in
        // time for its answer.
        let byHost = invocation.flag(Up.keepStopped)
        deployed.supervisor.onWait = {
            follower.show([])
            display.refresh()
        }
        try deployed.supervisor.stop(
            services: services, timeoutMilliseconds: try invocation.seconds("timeout").map { $0 * 1000 }, byHost: byHost
        ) { event in
            follower.show([event])
            display.show(event)
        }
        follower.show([])
        follower.finish()
        display.finish()
    }

    /// A terminal that is closed tells so more than once: the shell does, and the kernel. Only what a person or a service manager has to send once more
    /// kills.
    ///
    /// The next signal is waited for beside the request that stops, on a connection of its own.
    private func killOnNextSignal(_ services: [String]) {
        Background.run { [directories = deployed.directories, byHost = invocation.flag(Up.keepStopped)] in
            var signals = sigset_t()
            sigemptyset(&signals)
            for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
            var received: Int32 = 0
            guard sigwait(&signals, &received) == 0 else { return }
            let supervisor = try? SupervisorClient.connect(directories)
            // A person's kill would be remembered as one's stop.
            if byHost { try? supervisor?.hasten(services: services, timeoutMilliseconds: 0) } else { try? supervisor?.kill(services: services, signal: SIGKILL) }
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

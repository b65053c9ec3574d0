import CLinux
import Glibc
import Linux
import Reconciler
import Runner

/// Shows what services write for as long as they run, and says when an instance ends, as Compose does.
final class LogFollower {
    enum Outcome {
        /// Nothing runs any more, or the time is over.
        case ended
        /// A signal came.
        case interrupted
    }

    private let supervisor: SupervisorClient
    private let events: SupervisorClient
    private let reader: LogReader
    private var printer: LogPrinter
    private let directories: StackDirectories
    /// nil: all.
    private let services: Set<String>?
    private var ends = InstanceEnds()
    /// Whether something ended since it was last asked whether anything runs.
    private var isNews = true
    /// Follows files at the same time.
    private var watcher: StackWatcher?
    private var streams: Streams?

    /// - Parameters:
    ///   - supervisor: for questions.
    ///   - events: a connection that has subscribed.
    ///   - services: which to follow; nil for all.
    init(
        _ supervisor: SupervisorClient, events: SupervisorClient, reader: LogReader, printer: LogPrinter,
        directories: StackDirectories, services: [String]?
    ) {
        self.supervisor = supervisor
        self.events = events
        self.reader = reader
        self.printer = printer
        self.directories = directories
        self.services = services.map(Set.init)
    }

    /// Does what a watcher has to do at the same time.
    func watch(_ watcher: StackWatcher, streams: Streams) {
        self.watcher = watcher
        self.streams = streams
    }

    /// Called before anything is printed.
    var willPrint: () -> Void {
        get { printer.willPrint }
        set { printer.willPrint = newValue }
    }

    /// Goes on until nothing runs any more.
    ///
    /// - Parameters:
    ///   - signals: a signalfd(2) that interrupts it; -1 for none.
    ///   - until: when to end at the latest.
    func follow(interruptedBy signals: Int32 = -1, until: LogTime? = nil) throws -> Outcome {
        while true {
            let isSupervised = try showAvailable()
            if isInterrupted(by: signals) { return .interrupted }
            if isSupervised { proceedWithWatch() }
            // A command that ran meanwhile may have got the signal.
            if isInterrupted(by: signals) { return .interrupted }
            guard isSupervised else {
                finish()
                // What was taken down has ended well.
                if let killing = try SupervisionError.killing(of: directories) { throw killing }
                break
            }
            if try isNews && !anythingRuns() || until.map({ $0 < .now() }) ?? false { break }
            isNews = false
            wait(for: [reader.descriptor, events.descriptor, signals] + (watcher.map { [$0.descriptor] } ?? []), until: until)
        }
        _ = try showAvailable()
        printer.finish()
        return .ended
    }

    private func isInterrupted(by signals: Int32) -> Bool {
        signals >= 0 && clinux_next_signal(signals) > 0 || watcher != nil && Interruption.wasNoted
    }

    /// What ends the watch is no end of the output.
    private func proceedWithWatch() {
        do {
            try watcher?.proceed()
        } catch {
            finish()
            streams?.fail("Watch disabled: \(error)")
            watcher = nil
        }
    }

    /// Shows what has been written and has ended by now.
    ///
    /// - Parameter isDeployed: whether this is what a deployment did: what it stopped to replace it is not told.
    /// - Returns: false when the supervisor has ended.
    @discardableResult
    func showAvailable(isDeployed: Bool = false) throws -> Bool {
        // The events first: what an instance wrote is in its log before its end is told.
        let events = try events.eventsByNow()
        show(events ?? [], isDeployed: isDeployed)
        watcher?.hear(events ?? [])
        return events != nil
    }

    /// Shows what has been written by now, and then what these events tell.
    func show(_ events: [InstanceEvent], isDeployed: Bool = false) {
        reader.readAvailable { printer.print($0) }
        for end in ends.take(events) where isFollowed(end.service) {
            isNews = true
            if isDeployed, end.wasAsked { continue }
            switch end.fate {
            case .exited(let code, let outOfMemory):
                printer.state("exited with code \(code)" + (outOfMemory ? ", out of memory" : "") + (end.isRestarting ? " (restarting)" : ""), about: end.instance)
            case .notStarted(let reason):
                printer.state("could not be started: \(reason)", about: end.instance)
            }
        }
    }

    /// Ends a line that its service has not.
    func finish() { printer.finish() }

    private func isFollowed(_ service: String) -> Bool { services?.contains(service) ?? (OneOff.service(ofKey: service) == nil) }

    private func anythingRuns() throws -> Bool {
        do {
            return try supervisor.observe().instances.contains { isFollowed($0.service) && $0.status != .exited }
        } catch {
            // Another command has taken the stack down.
            guard error == .connectionLost else { throw error }
            return false
        }
    }

    private func wait(for descriptors: [Int32], until: LogTime?) {
        var wanted = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let patience = until.map { Int32(clamping: max($0.nanoseconds - LogTime.now().nanoseconds, 0) / 1_000_000 + 1) } ?? watcher?.patience ?? -1
        poll(&wanted, nfds_t(wanted.count), patience)
    }
}

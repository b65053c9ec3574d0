import Compose
import Glibc
import Runner
import Terminal

/// `stackup events`: what happens in a stack, as it happens.
enum Events {
    static let command = Command(
        "events", summary: "Show what happens in the stack, as it happens",
        discussion: """
            Instances are created, started, killed, die, are stopped and destroyed, in Docker's words; secrets are granted, updated and \
            revoked, rotated and refreshed, or fail to be. It goes on until Ctrl-C, over 'down' and 'up'. Of what has happened before, \
            --since shows the last 256 events, as far as the stack has run since.

            Filters: 'type=' (container, secret), 'event=', 'service=', 'container=' and 'secret='; what is said twice may be either, \
            the rest must all hold.
            """,
        examples: [
            .init("stackup events", "a line for each thing that happens"),
            .init("stackup events --json web", "web's only, for tools"),
            .init("stackup events --since 1h --until 0s --filter type=secret", "what happened to secrets in the last hour"),
            .init("stackup events --filter event=die --filter event=fail", "only what went wrong"),
        ],
        options: [
            .flag("json", help: "An object on a line for each"),
            .value("since", "TIME", help: "Start with what has happened since: 2026-01-31, 2026-01-31T10:00:00, or 10m for ten minutes ago"),
            .value("until", "TIME", help: "Stop then, in the same forms"),
            .repeated("filter", short: "f", "KEY=VALUE", help: "Only those that match"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let (since, until) = (try invocation.moment("since") ?? .now(), try invocation.moment("until"))
        let filter = try EventFilter(invocation.values("filter"), invocation)
        let target = try invocation.targetStack()
        let directories = invocation.paths.directories(of: target.name)
        let services = try services(of: target, invocation)
        let isJSON = invocation.flag("json")
        var stream = EventStream(directories, since: since, until: until)
        try stream.follow { event in
            guard let line = EventLine(event, project: target.name), line.isAbout(services), filter.matches(line) else { return true }
            invocation.streams.print(isJSON ? line.document.serialized() : line.text)
            if invocation.streams.lostResults { throw CommandFailure.alreadyReported }
            return !invocation.streams.isReaderGone
        }
        return 0
    }

    /// - Returns: those that were named; nil for all.
    private static func services(of target: TargetStack, _ invocation: Invocation) throws -> Set<String>? {
        guard !invocation.operands.isEmpty else { return nil }
        // To look on may take days; the store's keys are of no use for it.
        defer { invocation.forgetKeys() }
        let session = try StackSession(target.name, invocation, for: .observing)
        return try target.services(named: invocation.operands, observed: session.observe(), record: session.record).map(Set.init)
    }
}

/// The events of a stack, from one supervisor to the next.
private struct EventStream {
    private let directories: StackDirectories
    private var since: LogTime
    private let until: LogTime?

    init(_ directories: StackDirectories, since: LogTime, until: LogTime?) {
        self.directories = directories
        self.since = since
        self.until = until
    }

    /// Hands on events until the time is over.
    ///
    /// - Parameter body: returns whether it wants more.
    mutating func follow(_ body: (StackEvent) throws -> Bool) throws {
        let arrival = try SupervisorArrival(directories)
        repeat {
            arrival.watch()
            if let supervisor = try SupervisorClient.connect(directories) {
                do {
                    try supervisor.subscribe(since: since.nanoseconds)
                    guard try hear(supervisor, body) else { return }
                } catch let error as SupervisionError where error.isLostConnection {
                    // It was just ending; another one may follow.
                }
            }
            if !isOver { arrival.wait(milliseconds: patience(.max)) }
        } while !isOver
    }

    /// - Returns: false where no more are wanted.
    private mutating func hear(_ supervisor: SupervisorClient, _ body: (StackEvent) throws -> Bool) throws -> Bool {
        while true {
            var wanted = pollfd(fd: supervisor.descriptor, events: Int16(POLLIN), revents: 0)
            // What has been kept comes at once: where the time is over, whatever comes later is not asked for.
            if poll(&wanted, 1, until == nil ? -1 : max(patience(.max), 100)) == 0 { return true }
            guard let event = try supervisor.nextStackEvent() else { return true }
            if let until, event.time > until.nanoseconds { return true }
            since = LogTime(nanoseconds: event.time + 1)
            guard try body(event) else { return false }
        }
    }

    private var isOver: Bool { until.map { $0.nanoseconds <= LogTime.now().nanoseconds } ?? false }

    /// How long to wait, in milliseconds: no longer than there is time.
    private func patience(_ longest: Int32) -> Int32 {
        guard let until else { return longest }
        return min(longest, Int32(clamping: max(until.nanoseconds - LogTime.now().nanoseconds, 0) / 1_000_000 + 1))
    }
}

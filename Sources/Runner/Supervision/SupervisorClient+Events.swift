import Glibc
import Linux

/// Hearing of what happens, instead of asking.
extension SupervisorClient {
    /// From the return of this on, every event comes to ``nextEvent()``.
    public func subscribe() throws(SupervisionError) {
        try request(.subscribe(since: nil)) { _ in }
    }

    /// From the return of this on, every event of instances and secrets comes to ``nextStackEvent()``; before them, those that are
    /// kept since a time.
    ///
    /// - Parameter time: nanoseconds since the epoch.
    public func subscribe(since time: Int64) throws(SupervisionError) {
        try request(.subscribe(since: time)) { _ in }
    }

    /// Waits for an event of such a subscription; nil when the supervisor has ended.
    public func nextStackEvent() throws(SupervisionError) -> StackEvent? {
        switch try reply() {
        case nil: return nil
        case .happened(let event): return event
        default: throw .malformed("another message than an event")
        }
    }

    /// - Returns: nil when the supervisor has ended.
    private func reply() throws(SupervisionError) -> ControlReply? {
        do {
            return try receive()
        } catch where error.isLostConnection {
            return nil
        }
    }

    /// Waits for an event of the subscription; nil when the supervisor has ended.
    public func nextEvent() throws(SupervisionError) -> InstanceEvent? {
        switch try reply() {
        case nil: return nil
        case .event(let event): return event
        default: throw .malformed("another message than an event")
        }
    }

    /// The events of the subscription that have come by now; nil when the supervisor has ended and all of them were taken.
    public func eventsByNow() throws(SupervisionError) -> [InstanceEvent]? {
        var events: [InstanceEvent] = []
        while true {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 0) > 0 else { return events }
            guard let event = try nextEvent() else { return events.isEmpty ? nil : events }
            events.append(event)
        }
    }

    /// Waits until a supervisor that was told to end has done so.
    ///
    /// - Parameter onEvent: hears how its instances end.
    public func awaitEnd(_ onEvent: (InstanceEvent) -> Void = { _ in }) throws(SupervisionError) {
        do {
            try subscribe()
        } catch where error.isLostConnection {
            return
        }
        while let event = try nextEvent() { onEvent(event) }
    }

    // MARK: Renewal

    /// Waits until secrets are due: then the state says which. There is one process at most that does this.
    ///
    /// - Parameter failure: how the process ended that got the last ones; nil where it ended well, and the first time.
    /// - Returns: false where nothing will be due any more.
    /// - Throws: ``SupervisionError`` where another process does this.
    public func attend(failure: String?) throws(SupervisionError) -> Bool {
        do {
            try send(.attend(failure: failure))
        } catch where error.isLostConnection {
            return false
        }
        switch try reply() {
        case .due: return true
        case nil, .done: return false
        case .failed(let reason): throw .refused(reason)
        default: throw .malformed("an answer that was not asked for")
        }
    }

    /// Tells what came of secrets that were due.
    public func report(_ report: RenewalReport) throws(SupervisionError) {
        try request(.report(report)) { _ in }
    }
}

import Compose
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `up --wait`: finds out whether the services that were started do their work.
///
/// Who has a health check has to be healthy. Of the others all that can be known, for Compose too, is whether they go on running: half a
/// second after the start every instance has to. One that ends earlier, or becomes unhealthy, ends the wait.
struct StartWatch {
    let deployed: DeployedStack
    let events: SupervisorClient
    let services: [Service]
    let invocation: Invocation
    /// In seconds; nil: as long as it takes.
    let timeout: Int64?

    /// In milliseconds.
    private static let patience: Int64 = 500
    /// How many of an instance's last lines go with the news of its end.
    private static let shownLines = 10

    /// - Returns: the exit status: 0 where everything runs, 1 after saying what does not.
    func run() throws -> Int32 {
        var ends = InstanceEnds()
        let begin = MonotonicClock.now()
        let deadline = begin + (try wasAnythingStarted() ? Self.patience : 0)
        let limit = timeout.map { begin + $0 * 1000 } ?? .max
        var unchecked = Set(try deployed.observe().filter { $0.health?.status == .starting }.map(\.name))
        while true {
            guard let batch = try events.eventsByNow() else {
                if let killing = try SupervisionError.killing(of: deployed.directories) { throw killing }
                throw CommandFailure("the stack was taken down meanwhile")
            }
            for event in batch where event.endsTheWait { unchecked.remove(event.instance ?? "") }
            let failed = ends.take(batch).filter { deployed.services.contains($0.service) && !$0.wasAsked && !isExpected($0) }
            if !failed.isEmpty {
                for end in failed { try report(end.service, end.instance, end.text) }
                return 1
            }
            let time = MonotonicClock.now()
            if time >= deadline && unchecked.isEmpty || time >= limit { break }
            var wanted = pollfd(fd: events.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&wanted, 1, unchecked.isEmpty ? Int32(clamping: min(deadline, limit) - time) : limit == .max ? -1 : Int32(clamping: limit - time))
        }
        // What did not start now may have ended long ago, as one that waits for its next try has.
        let standing = try deployed.observe().filter { !$0.isWell && !mayEnd($0.service, $0.endStatus ?? 0) }
        for instance in standing { try report(instance.service, instance.name, instance.condition(after: timeout)) }
        return standing.isEmpty ? 0 : 1
    }

    private func wasAnythingStarted() throws -> Bool {
        let since = deployed.since.nanoseconds / 1_000_000_000
        return try deployed.observe().contains { $0.startedAt ?? 0 >= since }
    }

    private func isExpected(_ end: InstanceEnds.End) -> Bool {
        guard case .exited(let code, _) = end.fate else { return false }
        return mayEnd(end.service, code)
    }

    /// Whether another service waits for the end of this one; as in Compose, that is no failure then.
    private func mayEnd(_ service: String, _ code: Int32) -> Bool {
        code == 0 && services.contains { $0.dependsOn.contains { $0.service == service && $0.condition == .completedSuccessfully } }
    }

    private func report(_ service: String, _ instance: String, _ condition: String) throws {
        invocation.streams.fail("service '\(service)': \(instance) \(condition)")
        let reader = try LogReader(directory: deployed.directories.logs, of: .instance(instance), tail: Self.shownLines)
        guard invocation.streams.progress != .json else {
            reader.readAvailable { entry in
                let line = entry.bytes.last == 10 ? entry.bytes.dropLast() : entry.bytes[...]
                invocation.streams.note("\(instance) | " + String(decoding: line, as: UTF8.self))
            }
            return
        }
        var printer = LogPrinter(invocation, instances: try deployed.observe(), to: .errors)
        reader.readAvailable { printer.print($0) }
        printer.finish()
    }
}

extension InstanceEvent {
    /// Whether there is no more to wait for, one way or the other.
    fileprivate var endsTheWait: Bool {
        switch kind {
        case .healthy, .unhealthy, .stopping, .exited, .removed, .failed: true
        default: false
        }
    }
}

extension InstanceEnds.End {
    /// `exited (3)`
    fileprivate var text: String {
        switch fate {
        case .exited(let code, let outOfMemory): "exited (\(code))" + (outOfMemory ? ", out of memory" : "") + (isRestarting ? " and is started again" : "")
        case .notStarted(let reason): "could not be started: \(reason)"
        }
    }
}

extension ObservedInstance {
    fileprivate var isWell: Bool { status == .running && health.map { $0.status == .healthy } ?? true }

    /// Why it is not well.
    fileprivate func condition(after timeout: Int64?) -> String {
        switch status {
        case .created: "has not been started"
        case .running:
            switch health?.status {
            case .starting?: "is not healthy after \(timeout ?? 0) s" + (health?.reason.map { ": \($0)" } ?? "")
            case .unhealthy?: "is unhealthy" + (health?.reason.map { ": \($0)" } ?? "")
            case .healthy?, nil: "runs"
            }
        case .restarting: "exited (\(exitCode.map(String.init) ?? "unknown")) and waits for its next start"
        case .stopping: "is being stopped"
        case .exited: failure.map { "could not be started: \($0)" } ?? "exited (\(exitCode.map(String.init) ?? "unknown"))" + (ranOutOfMemory == true ? ", out of memory" : "")
        }
    }
}

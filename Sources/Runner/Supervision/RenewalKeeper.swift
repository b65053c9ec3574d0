import Reconciler

/// Keeps the time for secrets that come by new values by themselves, and has a process do what is due: this one holds no key.
///
/// It knows no more than names and times. What is due for what reason, and whether it really is, the process finds out from the
/// store; when it has done its work it sends the times that follow. One that ends without that is tried again later.
final class RenewalKeeper {
    /// How long a time is slept at most, in milliseconds, before the wall clock is looked at again: it may have been changed.
    static let longestSleep: Int64 = 3_600_000
    /// How soon the next process is started at the earliest after the one before, in milliseconds.
    static let shortestPause: Int64 = 1000
    /// How soon one that ended without an answer is followed by another, in milliseconds.
    static let pauseAfterFailure: Int64 = 60_000

    private(set) var schedule = RenewalSchedule()
    /// When to look again, in milliseconds of the monotonic clock.
    private(set) var nextDeadline: Int64?
    private var isRunning = false
    private var isAnswered = false
    private var earliest: Int64 = 0
    private let now: () -> Int64
    private let wallClock: () -> Int64

    /// Starts the process, with the environment that it is to have; false where that fails.
    var start: (RenewalSchedule) -> Bool = { _ in false }

    init(now: @escaping () -> Int64, wallClock: @escaping () -> Int64) {
        self.now = now
        self.wallClock = wallClock
    }

    /// Takes the times that hold from now on.
    func take(_ schedule: RenewalSchedule) {
        self.schedule = schedule
        isAnswered = true
        arm()
    }

    /// Starts the process where something is due.
    func handleDeadlines() {
        guard let nextDeadline, nextDeadline <= now() else { return }
        guard schedule.secrets.contains(where: { $0.due <= wallClock() }) else { return arm() }
        isAnswered = false
        self.nextDeadline = nil
        if start(schedule) {
            isRunning = true
        } else {
            ended(succeeded: false)
        }
    }

    /// The process has ended.
    func ended(succeeded: Bool) {
        isRunning = false
        earliest = now() + (succeeded && isAnswered ? Self.shortestPause : Self.pauseAfterFailure)
        arm()
    }

    private func arm() {
        guard !isRunning, let due = schedule.secrets.map(\.due).min() else {
            nextDeadline = nil
            return
        }
        // Far below what could overflow: whoever sends a time may be hostile.
        let seconds = min(max(due.subtractingReportingOverflow(wallClock()).partialValue, 0), Self.longestSleep / 1000)
        nextDeadline = max(now() + seconds * 1000, earliest)
    }
}

/// What a supervisor is told of secrets that come by new values by themselves.
public struct RenewalSchedule: Codable, Sendable, Equatable {
    /// The stack's name.
    public var stack: String
    /// `NAME=value`: what the process that renews them finds the store, and programs, by.
    public var environment: [String]
    public var secrets: [ObservedRenewal]

    public init(stack: String = "", environment: [String] = [], secrets: [ObservedRenewal] = []) {
        self.stack = stack
        self.environment = environment
        self.secrets = secrets
    }
}

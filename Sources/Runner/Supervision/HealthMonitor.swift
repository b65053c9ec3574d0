import Reconciler

/// What is known of an instance's health, by Docker's rules.
///
/// It begins with `starting`. The first success makes it `healthy`, and so many failures in a row as there are `retries` make it
/// `unhealthy`; failures in the start period don't count until then. Times are in milliseconds of the monotonic clock.
///
/// Docker checks for the first time when an interval has passed, and whoever waits for a healthy service waits for that. Here some checks
/// come before it, in which only a success counts.
struct HealthMonitor: Equatable {
    /// How one check went.
    struct Outcome: Equatable {
        /// nil: it could not be run, or took too long.
        var exitCode: Int32?
        var output: String
        /// When it began.
        var began: Int64
    }

    /// Bytes of a check's output that are kept, as Docker does.
    static let outputLimit = 4096

    let check: HealthCheck
    /// When the instance started.
    let start: Int64
    private(set) var health: ObservedHealth
    /// The check that runs now.
    var running: UInt64?
    /// Whether a deadline of the supervisor's stands for the time that a check may take: not a later one than that of the check that runs.
    var awaitsTimeout = false
    /// When the next one is due.
    var due = Int64.max
    /// Checks that have ended.
    private var count = 0

    /// How many checks may come before their time, and how long after the start the first one does; each is twice as late as the one before.
    private static let earlyChecks = 6
    private static let firstPause: Int64 = 50

    init(_ check: HealthCheck, startedAt start: Int64, health: ObservedHealth = ObservedHealth()) {
        self.check = check
        self.start = start
        self.health = health
    }

    /// How long to wait for the next check, from now on.
    func pause(at time: Int64) -> Int64 {
        let age = time - start
        let isStarting = health.status == .starting && age < check.startPeriodMilliseconds
        var pause = isStarting ? check.startIntervalMilliseconds : check.intervalMilliseconds
        if health.status == .starting, age < check.intervalMilliseconds {
            pause = min(pause, check.intervalMilliseconds - age)
            if count < Self.earlyChecks { pause = min(pause, Self.firstPause << count) }
        }
        // At least a moment: an interval of nanoseconds would keep the machine busy with nothing else.
        return max(pause, 10)
    }

    /// - Parameter seconds: since the epoch, for people.
    /// - Returns: whether the status changed.
    mutating func take(_ outcome: Outcome, at seconds: Int64) -> Bool {
        let before = health.status
        count += 1
        health.checkedAt = seconds
        health.exitCode = outcome.exitCode
        health.output = outcome.output
        if outcome.exitCode == 0 {
            health.failures = 0
            health.status = .healthy
        } else if before != .starting || outcome.began - start >= max(check.startPeriodMilliseconds, check.intervalMilliseconds) {
            health.failures += 1
            if health.failures >= check.retries { health.status = .unhealthy }
        }
        return health.status != before
    }
}

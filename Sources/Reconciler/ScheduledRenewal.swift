/// A secret that gets new values by itself, with what whoever keeps the time has to know of it.
public struct ScheduledRenewal: Codable, Sendable, Equatable {
    /// Its name in the store.
    public var secret: String
    /// When its next value is due, in milliseconds since the epoch.
    public var due: Int64
    /// In milliseconds: it is due no later than this after it was scheduled, whatever becomes of the clock.
    public var period: Int64
    /// What `due` counts from, in seconds since the epoch: see `RenewalHistory`. When it changes, the secret has had its turn.
    public var last: Int64
    /// nil where the last try did not fail.
    public var failure: Failure?

    /// Tries to get a new value that failed.
    public struct Failure: Codable, Sendable, Equatable {
        public var count: Int
        /// For people; never a value.
        public var reason: String

        public init(count: Int, reason: String) {
            self.count = count
            self.reason = reason
        }
    }

    public init(secret: String, due: Int64, period: Int64, last: Int64, failure: Failure? = nil) {
        self.secret = secret
        self.due = due
        self.period = period
        self.last = last
        self.failure = failure
    }
}

extension ScheduledRenewal {
    /// How long to wait after tries that failed, in milliseconds: a minute, then twice as long each time up to an hour, and never longer
    /// than a period.
    public static func pause(afterFailures failures: Int, period: Int64) -> Int64 {
        let doublings = min(max(failures - 1, 0), 6)
        return min(60_000 << doublings, 3_600_000, period)
    }
}

/// The renewals of a running stack.
public struct ObservedSchedule: Codable, Sendable, Equatable {
    /// By name of the secret.
    public var renewals: [ScheduledRenewal]
    /// The secrets that a process gets new values for right now.
    public var underWay: [String]
    /// Whether there is a process that starts those.
    public var isAttended: Bool

    public init(renewals: [ScheduledRenewal] = [], underWay: [String] = [], isAttended: Bool = false) {
        self.renewals = renewals
        self.underWay = underWay
        self.isAttended = isAttended
    }
}

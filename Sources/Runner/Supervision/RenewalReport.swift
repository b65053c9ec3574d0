import Reconciler
import SecretStore

/// What a process that got new values for secrets tells the supervisor.
public struct RenewalReport: Codable, Sendable, Equatable {
    public var outcomes: [Outcome]
    /// When each secret of the stack has its next turn, in the place of the schedule before; nil where the store could not tell.
    public var schedule: [ScheduledRenewal]?

    /// What came of one secret's turn.
    public struct Outcome: Codable, Sendable, Equatable {
        public enum Kind: Codable, Sendable, Equatable {
            case rotated(version: Int)
            /// The driver had another value.
            case refreshed(version: Int)
            /// For people; never a value.
            case failed(reason: String)
        }

        /// Its name in the store.
        public var secret: String
        public var kind: Kind

        public init(_ secret: String, _ kind: Kind) {
            self.secret = secret
            self.kind = kind
        }
    }

    public init(outcomes: [Outcome] = [], schedule: [ScheduledRenewal]? = nil) {
        self.outcomes = outcomes
        self.schedule = schedule
    }
}

/// What may be in a schedule.
extension ScheduledRenewal {
    /// How many secrets of one stack may have one.
    static let mostPerStack = 10_000
    /// In milliseconds since the epoch: the end of the year 9999.
    private static let times: ClosedRange<Int64> = 0...253_402_300_799_999
    private static let longestReason = 8192

    /// - Throws: for a schedule that makes no sense, before anything of it is taken.
    static func check(_ renewals: [ScheduledRenewal]) throws(SupervisionError) {
        guard renewals.count <= mostPerStack else { throw .refused("a schedule has at most \(mostPerStack) secrets") }
        guard Set(renewals.map(\.secret)).count == renewals.count else { throw .refused("a schedule has a secret twice") }
        for renewal in renewals {
            try check(secret: renewal.secret)
            let periods = Int64(1000)...Int64(3650) * 86_400_000
            guard periods.contains(renewal.period), times.contains(renewal.due), (0...times.upperBound / 1000).contains(renewal.last) else {
                throw .refused("secret '\(renewal.secret)' is scheduled at a time or with a period that can't be")
            }
            guard let failure = renewal.failure else { continue }
            guard failure.count > 0, failure.reason.utf8.count <= longestReason else {
                throw .refused("secret '\(renewal.secret)' is scheduled with a failure that can't be")
            }
        }
    }

    static func check(secret name: String) throws(SupervisionError) {
        if let problem = secretNameProblem(name) { throw .refused("'\(name.prefix(80))' cannot name a secret: \(problem)") }
    }
}

extension RenewalReport {
    func check() throws(SupervisionError) {
        if let schedule { try ScheduledRenewal.check(schedule) }
        guard outcomes.count <= ScheduledRenewal.mostPerStack else { throw .refused("a report has at most \(ScheduledRenewal.mostPerStack) outcomes") }
        for outcome in outcomes { try ScheduledRenewal.check(secret: outcome.secret) }
    }
}

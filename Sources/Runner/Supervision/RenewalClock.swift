import Reconciler

/// Keeps the time of a stack's renewals: which secret is to get its next value when.
///
/// A due time is one of the clock that people set. So that a jump of it neither starts everything at once nor puts anything off for ever, each
/// secret also has limits by the clock that nobody sets: it has its turn no sooner than a while after its last one, and no later than a period
/// after it was scheduled.
struct RenewalClock {
    /// One moment by both clocks, in milliseconds.
    struct Moment {
        /// Since boot, the machine's sleep included (CLOCK_BOOTTIME).
        var elapsed: Int64
        /// Since the epoch.
        var wall: Int64
    }

    struct Entry: Codable, Equatable {
        var renewal: ScheduledRenewal
        /// Its limits, in milliseconds since boot.
        var earliest: Int64
        var latest: Int64

        func deadline(at moment: Moment) -> Int64 {
            max(earliest, min(latest, moment.elapsed + max(renewal.due - moment.wall, 0)))
        }
    }

    /// By the secret's name.
    private(set) var entries: [String: Entry] = [:]
    /// Secrets that were handed out, and of which nothing has been heard since.
    private(set) var underWay: Set<String> = []

    /// The longest that a secret has to wait after its turn: short enough for the shortest pause after a failure.
    private static let longestGap: Int64 = 30_000

    // MARK: What is to come

    /// Puts a schedule in the place of the one before.
    mutating func replace(with renewals: [ScheduledRenewal], at moment: Moment) {
        var next: [String: Entry] = [:]
        for renewal in renewals {
            let old = entries[renewal.secret]
            var entry = Entry(
                renewal: renewal, earliest: old?.earliest ?? moment.elapsed, latest: moment.elapsed + renewal.period)
            if let old, old.renewal.last == renewal.last, old.renewal.failure == renewal.failure {
                // It is told again of what it knows, and waits no longer for that.
                entry.latest = min(old.latest, entry.latest)
            } else {
                underWay.remove(renewal.secret)
            }
            next[renewal.secret] = entry
        }
        entries = next
        underWay.formIntersection(next.keys)
    }

    /// Takes over what a predecessor kept, in the same run of the kernel.
    mutating func adopt(_ entries: [Entry]) {
        self.entries = Dictionary(entries.map { ($0.renewal.secret, $0) }, uniquingKeysWith: { $1 })
    }

    /// When the next secret has its turn, in milliseconds since boot.
    func next(at moment: Moment) -> Int64? {
        entries.values.filter { !underWay.contains($0.renewal.secret) }.map { $0.deadline(at: moment) }.min()
    }

    /// Hands out what is due.
    /// - Returns: whether there is anything.
    mutating func handOut(at moment: Moment) -> Bool {
        let due = entries.values.filter { !underWay.contains($0.renewal.secret) && $0.deadline(at: moment) <= moment.elapsed }
        for entry in due {
            underWay.insert(entry.renewal.secret)
            entries[entry.renewal.secret]?.earliest = moment.elapsed + min(entry.renewal.period / 2, Self.longestGap)
        }
        return !due.isEmpty
    }

    // MARK: What has come of it

    /// A try failed, and there is no schedule that says when the next one is.
    mutating func fail(_ secret: String, because reason: String, at moment: Moment) {
        guard var entry = entries[secret] else { return }
        let count = (entry.renewal.failure?.count ?? 0) + 1
        let pause = ScheduledRenewal.pause(afterFailures: count, period: entry.renewal.period)
        entry.renewal.failure = .init(count: count, reason: reason)
        entry.renewal.due = moment.wall + pause
        entry.latest = moment.elapsed + pause
        entries[secret] = entry
        underWay.remove(secret)
    }

    /// Whoever got new values has ended without a word of these.
    /// - Returns: the secrets.
    mutating func conclude(because reason: String, at moment: Moment) -> [String] {
        let lost = underWay.sorted()
        for secret in lost { fail(secret, because: reason, at: moment) }
        return lost
    }

    // MARK: Looking

    /// - Parameter isAttended: whether somebody waits for what is due.
    func observed(isAttended: Bool) -> ObservedSchedule? {
        guard !entries.isEmpty else { return nil }
        return ObservedSchedule(
            renewals: record.map(\.renewal), underWay: underWay.sorted(), isAttended: isAttended)
    }

    /// What a successor needs.
    var record: [Entry] { entries.values.sorted { $0.renewal.secret < $1.renewal.secret } }
}

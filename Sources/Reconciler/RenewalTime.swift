import Compose
import SecretStore

/// When a secret got its value, as far as its next one hangs on it.
public struct RenewalHistory: Sendable, Equatable {
    /// Seconds since the epoch: when the newest version was stored, or its source was asked after that and had no other.
    public var last: Int64
    /// Tries that failed since.
    public var failures: Int
    /// Seconds since the epoch of the last one.
    public var failedAt: Int64

    public init(last: Int64, failures: Int = 0, failedAt: Int64 = 0) {
        self.last = last
        self.failures = failures
        self.failedAt = failedAt
    }

    public init(_ secret: SecretMetadata) {
        self.init(
            last: max(secret.newest.createdAt, secret.checkedAt), failures: secret.failure?.count ?? 0,
            failedAt: secret.failure?.at ?? 0)
    }
}

/// When a new value is due. Times are milliseconds since the epoch, or of a span.
extension SecretRenewal {
    /// In milliseconds.
    public var periodMilliseconds: Int64 { period * 1000 }

    /// When the next value is due: a period after the last one, or a while after the last try where that failed.
    ///
    /// Up to a tenth earlier, so that secrets with one period, on one host or on many, don't all come at once; never later: who is to have a
    /// new value every 30 days has one by then. How much earlier follows from what is given, and is the same for whoever asks.
    ///
    /// - Parameters:
    ///   - now: a history that lies in the future was written by a clock that was wrong; it counts as of now.
    ///   - name: tells the secret from others: how much earlier it comes depends on it.
    public func due(after history: RenewalHistory, at now: Int64, name: String) -> Int64 {
        let period = periodMilliseconds
        // The store keeps whole seconds, and the value may be as young as the end of that one.
        let last = min(Self.milliseconds(history.last, at: now) + 1000, now)
        let regular = last + period - Self.lead(period, name, history.last)
        guard history.failures > 0 else { return regular }
        let pause = ScheduledRenewal.pause(afterFailures: history.failures, period: period)
        let retry = Self.milliseconds(history.failedAt, at: now) + pause - Self.lead(pause, name, history.failedAt)
        // A driver that failed is asked again soon, whenever that was. What a person's own try to rotate failed with is no reason to rotate
        // before it is time.
        return if case .refresh = self { retry } else { max(regular, retry) }
    }

    /// When the next value of a secret is due for a stack: stacks that share one take turns with it.
    public func due(_ secret: SecretMetadata, in stack: String, at now: Int64) -> Int64 {
        due(after: RenewalHistory(secret), at: now, name: "\(stack)/\(secret.id)")
    }

    /// A time in seconds, which is not after now.
    private static func milliseconds(_ seconds: Int64, at now: Int64) -> Int64 { max(min(seconds, now / 1000), 0) * 1000 }

    /// From 0 to a tenth of a span.
    private static func lead(_ span: Int64, _ name: String, _ moment: Int64) -> Int64 {
        // FNV-1a, and the finish of SplitMix64: all that matters is that it is spread evenly.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= UInt64(bitPattern: moment) &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        return Int64(hash % UInt64(max(span / 10, 1)))
    }
}

import Compose
import SecretStore

/// When a secret is due for a new value. It follows from the store alone, so that it is the same after a restart of whatever waits
/// for it, and what fell due while nothing ran is seen to be.
public enum RenewalTime {
    /// The first pause after a failure, in seconds; it doubles with each one that follows.
    static let firstPause: Int64 = 60
    /// The longest pause after a failure, in seconds.
    static let longestPause: Int64 = 3600

    /// - Parameters:
    ///   - secret: as the store has it; nil where it has none yet, which is due at once.
    ///   - now: seconds since the epoch.
    /// - Returns: seconds since the epoch.
    public static func due(_ renewal: SecretRenewal, of secret: SecretMetadata?, at now: Int64) -> Int64 {
        guard let secret else { return now }
        let period = renewal.period
        if let failure = secret.failure {
            return spread(min(pause(after: failure.count), period), after: min(failure.at, now), for: secret.id)
        }
        let last = switch renewal {
        case .rotate: secret.newest.createdAt
        case .refresh: max(secret.checkedAt, secret.newest.createdAt)
        }
        // A clock that was put back must not have it wait for longer than a period.
        return spread(period, after: min(last, now), for: secret.id)
    }

    /// How long to wait after so many failures in a row, in seconds.
    public static func pause(after failures: Int) -> Int64 {
        min(firstPause << Int64(min(max(failures, 1) - 1, 10)), longestPause)
    }

    /// A tenth of the time earlier or later, so that not all that began together goes on together. It is the same for whoever asks.
    private static func spread(_ period: Int64, after last: Int64, for id: String) -> Int64 {
        // FNV-1a: all it has to be is uneven.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in Array(id.utf8) + withUnsafeBytes(of: last.littleEndian, Array.init) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        // The low bits of FNV mix less than the high ones.
        let share = Int64((hash >> 32) % 2001) - 1000
        return last + period + period / 10_000 * share + period % 10_000 * share / 10_000
    }
}

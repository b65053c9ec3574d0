import Glibc
import Reconciler
import Terminal

/// A secret that should have come by a new value, and keeps the one that it had.
struct RenewalFailure: CustomStringConvertible {
    let secret: String
    let reason: String
    /// Seconds since the epoch.
    let at: Int64
    let count: Int
    /// When it is tried again, in seconds since the epoch.
    let due: Int64

    var description: String {
        let now = Int64(time(nil))
        let next = due > now ? "in " + humanDuration(seconds: due - now).lowercasedFirst : "now"
        let tries = count == 1 ? "the last try" : "the last \(count) tries"
        return "secret '\(secret)' keeps its value: \(tries) to renew it failed (\(humanAge(of: at, at: now).lowercasedFirst)): "
            + "\(sanitizedForTerminal(reason)); the next one is \(next)"
    }
}

extension ObservedState {
    /// - Parameter service: only of secrets that it has mounted; nil for all.
    func renewalFailures(of service: String? = nil) -> [RenewalFailure] {
        let mounted = service.map { service in
            Set(mounts.filter { $0.service == service }.flatMap(\.files).filter { $0.kind == .secret }.map(\.name))
        }
        return renewals.compactMap { renewal in
            guard let failure = renewal.failure, mounted?.contains(renewal.secret) ?? true else { return nil }
            return RenewalFailure(
                secret: renewal.secret, reason: failure.reason, at: failure.at, count: failure.count, due: renewal.due)
        }
    }
}

extension String {
    /// `Less than a second` within a sentence.
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

import Glibc
import Reconciler
import Runner
import SecretStore
import Terminal

extension ScheduledRenewal {
    /// What a person should know of a secret that should have a new value and has not: since when, why, and what comes next. Nil for one
    /// that is all right.
    ///
    /// - Parameter now: seconds since the epoch.
    func failureText(at now: Int64) -> String? {
        guard let failure else { return nil }
        let wait = (due + 999) / 1000 - now
        let next = wait > 0 ? "in " + humanDuration(seconds: wait).lowercasedFirst : "is due"
        return renewalFailureText(secret, last: last, count: failure.count, reason: failure.reason, at: now) + "; the next try \(next)"
    }

    /// The same for tools.
    var failureDocument: TemplateValue? {
        failure.map { failure in
            .record([
                .init("NextTry", .string(LogTime(nanoseconds: due * 1_000_000).description)),
                .init("Reason", .string(failure.reason)),
                .init("Secret", .string(secret)),
                .init("Since", .string(LogTime(nanoseconds: last * 1_000_000_000).description)),
                .init("Tries", .integer(Int64(failure.count))),
            ])
        }
    }
}

extension SecretMetadata {
    /// The same as the store knows it, which has no clock.
    func failureText(at now: Int64) -> String? {
        failure.map { renewalFailureText(name, last: RenewalHistory(self).last, count: $0.count, reason: $0.reason, at: now) }
    }
}

/// - Parameter last: when it got its value, or its source last had no other.
private func renewalFailureText(_ secret: String, last: Int64, count: Int, reason: String, at now: Int64) -> String {
    "secret '\(secret)' keeps its value of \(humanAge(of: last, at: now).lowercasedFirst): "
        + (count == 1 ? "a try" : "\(count) tries") + " to get a new one failed: \(sanitizedForTerminal(reason))"
}

extension ObservedState {
    /// The renewals that failed.
    ///
    /// - Parameter service: only of secrets that it has mounted; nil for all.
    func failedRenewals(of service: String? = nil) -> [ScheduledRenewal] {
        let mounted = service.map { service in
            Set(mounts.filter { $0.service == service }.flatMap(\.files).filter { $0.kind == .secret }.map(\.name))
        }
        return (schedule?.renewals ?? []).filter { $0.failure != nil && mounted?.contains($0.secret) ?? true }
    }

    /// Whether secrets wait for new values that nobody will get: the process that starts this was ended.
    ///
    /// - Parameter now: milliseconds since the epoch.
    func isRenewalStuck(at now: Int64) -> Bool {
        guard let schedule, !schedule.isAttended else { return false }
        // Whoever has just been started may not have come yet.
        return schedule.renewals.contains { $0.due + 10_000 < now }
    }
}

extension String {
    /// `Less than a second` within a sentence.
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

import Reconciler

/// What is known of who gets new values for secrets.
enum RenewalAttendance {
    case none
    case waiting
    /// It was told that some are due, and has not come back.
    case working
}

/// New values for secrets, when it is time. Another process gets them, since this one never holds a key.
extension StackSupervisor {
    /// When something is due, in milliseconds since boot; nil where nothing is, or nobody waits for it.
    var nextRenewal: Int64? { attendance == .waiting ? renewals.next(at: moment()) : nil }

    /// Hands out what is due by now.
    /// - Returns: whether there is anything.
    func handOutRenewals() -> Bool {
        guard attendance == .waiting, renewals.handOut(at: moment()) else { return false }
        attendance = .working
        return true
    }

    /// Somebody waits for what is due.
    ///
    /// - Parameter failure: how the process ended that it started last; nil where it started none, or where that ended well.
    func attend(failure: String?) {
        attendance = .waiting
        let reason = failure ?? "the process that was to get a new value ended without a word of it"
        for secret in renewals.conclude(because: reason, at: moment()) { failed(secret, reason) }
    }

    /// Takes a schedule in the place of the one before.
    func schedule(_ next: [ScheduledRenewal]) {
        renewals.replace(with: next, at: moment())
        changed(.soon)
    }

    /// Takes what came of secrets that had their turn.
    func take(_ report: RenewalReport) throws(SupervisionError) {
        try report.check()
        if let schedule = report.schedule { self.schedule(schedule) }
        for outcome in report.outcomes {
            switch outcome.kind {
            case .rotated(let version): emit(outcome.secret, .rotated(version: version))
            case .refreshed(let version): emit(outcome.secret, .refreshed(version: version))
            case .failed(let reason):
                if report.schedule == nil { renewals.fail(outcome.secret, because: reason, at: moment()) }
                failed(outcome.secret, reason)
            }
        }
    }

    private func failed(_ secret: String, _ reason: String) {
        changed(.soon)
        emit(secret, .failed(reason: reason))
    }

    private func emit(_ secret: String, _ kind: SecretEvent.Kind) {
        onSecretEvent(SecretEvent(secret: secret, services: readers(of: secret), kind: kind))
    }

    /// The services that a secret is in place for.
    private func readers(of secret: String) -> [String] {
        services.keys.filter { service in
            host.mountedFiles(of: service)?.contains { $0.kind == .secret && $0.name == secret } ?? false
        }.sorted()
    }

    // MARK: Files

    /// Tells of a secret's file that was put in place.
    ///
    /// - Parameter old: what was there before.
    func emitWritten(_ file: MountedFile, of service: String, over old: MountedFile?) {
        guard file.kind == .secret, file != old else { return }
        let kind: SecretEvent.Kind = old?.kind == .secret && old?.name == file.name
            ? .updated(service: service, target: file.target, version: file.version)
            : .granted(service: service, target: file.target, version: file.version)
        if let old, old.kind == .secret, old.name != file.name { emitRemoved(old, of: service) }
        onSecretEvent(SecretEvent(secret: file.name, services: [service], kind: kind))
    }

    func emitRemoved(_ file: MountedFile, of service: String) {
        guard file.kind == .secret else { return }
        onSecretEvent(SecretEvent(secret: file.name, services: [service], kind: .revoked(service: service, target: file.target)))
    }
}

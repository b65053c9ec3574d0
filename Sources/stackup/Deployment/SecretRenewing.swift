import Compose
import Glibc
import Linux
import Reconciler
import Runner
import SecretMemory
import SecretStore
import SourceProtocol

/// Gets new values for those of a stack's secrets that are due, stores and delivers them: for `up`, and for the short-lived process that
/// is started when the supervisor says so.
///
/// What is due is seen from the store, so whoever comes too early, or second, finds nothing to do. A secret whose source fails keeps its
/// value, and the store has the reason.
struct SecretRenewing {
    private let stack: String
    private let store: SecretStore
    private let invocation: Invocation
    /// Called before sources are asked for new values, with what is asked; nobody else's turn is waited for any more.
    var onTurn: ([RenewableSecret]) -> Void = { _ in }
    /// Called once the values are stored and sent: nothing is lost from here on, and others may be waited for.
    var onSent: () -> Void = {}

    init(_ stack: String, _ store: SecretStore, _ invocation: Invocation) {
        self.stack = stack
        self.store = store
        self.invocation = invocation
    }

    /// What came of it.
    struct Outcome {
        /// One for each secret that has a new value or failed.
        var outcomes: [RenewalReport.Outcome] = []
        /// Why there is no value, by the secrets' names.
        var errors: [String: SourceError] = [:]
        /// Stacks that did not get all of their files.
        var undelivered: [SecretDelivery.Outcome.Failure] = []

        fileprivate mutating func fail(_ name: String, _ error: SourceError) {
            errors[name] = error
            outcomes.append(.init(name, .failed(reason: error.reason)))
        }
    }

    private static let removed = SourceError("somebody has removed the secret meanwhile")

    /// - Parameters:
    ///   - secrets: those that may be due.
    ///   - told: secrets that the supervisor says are due, with what its times count from. It has a clock that nobody sets: where the
    ///     clock that the store's times are by was set back, it is the one to be believed.
    ///   - onEvent: hears what happens in which stack.
    /// - Throws: where the store can't be read or written.
    func renew(
        _ secrets: [RenewableSecret], told: [String: Int64] = [:],
        onEvent: @escaping (InstanceEvent, _ stack: String) -> Void = { _, _ in }
    ) throws -> Outcome {
        var outcome = Outcome()
        let rotated = secrets.filter(\.isRotated)
        if try !due(rotated, told).isEmpty {
            // One that a second process makes a new value for has had its turn once this one has the hold.
            let hold = try invocation.holdRenewals(of: store)
            try renew(due: try due(rotated, told), hold, onEvent, &outcome)
        }
        // A source may be asked twice at once. It may be slow too, and is nobody else's business.
        try renew(due: try due(secrets.filter { !$0.isRotated }, told), nil, onEvent, &outcome)
        return outcome
    }

    private func due(_ secrets: [RenewableSecret], _ told: [String: Int64]) throws -> [RenewableSecret] {
        guard !secrets.isEmpty else { return [] }
        let snapshot = try store.snapshot()
        return secrets.filter { isDue($0, snapshot.secret($0.name), told) }
    }

    private func renew(
        due: [RenewableSecret], _ hold: RenewalHold?, _ onEvent: @escaping (InstanceEvent, _ stack: String) -> Void, _ outcome: inout Outcome
    ) throws {
        guard !due.isEmpty else { return }
        onTurn(due)
        let before = try store.snapshot()
        let answers = try fetch(due)
        let snapshot = try store.snapshot()
        var created = StoreChanges()
        var delivery = SecretDelivery(store, invocation)
        delivery.onEvent = onEvent
        delivery.onSent = { [onSent] in
            hold?.release()
            onSent()
        }
        var updated: [RenewableSecret] = []
        for (renewable, answer) in zip(due, answers) {
            let name = renewable.name
            switch answer.take() {
            case .failure(let error):
                outcome.fail(name, error)
                delivery.alsoCommit { $0.noteFailure(of: name, reason: error.reason) }
            case .value(let value):
                guard let secret = snapshot.secret(name) else {
                    guard renewable.isMade else {
                        outcome.fail(name, Self.removed)
                        continue
                    }
                    created.createSecret(name, labels: renewable.origin.labels, source: renewable.request.source, value: value, for: stack)
                    continue
                }
                // What somebody stored while the source was asked may be newer than what it had then.
                let isOvertaken = before.secret(name)?.newest.identity != secret.newest.identity
                if isOvertaken, !renewable.isRotated { continue }
                let event: AuditEvent.Kind = renewable.isRotated ? .rotated : .updated
                if delivery.update(secret, to: value, from: renewable.request.source, as: event, scheduledBy: stack) {
                    updated.append(renewable)
                } else {
                    delivery.alsoCommit { $0.noteChecked(of: name) }
                }
            }
        }
        if !created.isEmpty { try store.commit(created) }
        let delivered = try delivery.deliver()
        outcome.undelivered += delivered.failures
        for name in delivered.removed.sorted() { outcome.fail(name, Self.removed) }
        for renewable in updated {
            guard let version = delivered.snapshot.secret(renewable.name)?.newest.number else { continue }
            outcome.outcomes.append(
                .init(renewable.name, renewable.isRotated ? .rotated(version: version) : .refreshed(version: version)))
        }
    }

    /// - Parameter secret: nil where the store does not have it.
    private func isDue(_ renewable: RenewableSecret, _ secret: SecretMetadata?, _ told: [String: Int64]) -> Bool {
        guard let secret else { return renewable.isMade }
        // Nobody has made another value of it since the supervisor was told when it is due.
        if let last = told[secret.name], last == RenewalHistory(secret).last { return true }
        let now = Int64.millisecondsNow
        return renewable.renewal.due(secret, in: stack, at: now) <= now
    }

    /// - Returns: an answer for each.
    private func fetch(_ due: [RenewableSecret]) throws -> [Answer] {
        let answers = due.map { renewable in Answer(Self.obstacle(renewable)) }
        let possible = answers.indices.filter { answers[$0].isMissing }
        let waiting = SecretWaiting(invocation.streams)
        defer { waiting.finish() }
        let names = possible.map { SecretWaiting.Awaited(secret: due[$0].name, driver: due[$0].request.request.driver) }
        try SourcesProcess.fetch(
            possible.map { due[$0].request.request }, hidden: invocation.paths.privatePaths,
            onWait: { unanswered in waiting.show(unanswered.sorted().map { names[$0] }) }
        ) { index, answer in
            answers[possible[index]].put(answer)
        }
        return answers
    }

    /// Why a secret can't be rotated. One that was sealed and has its file back gets that file's value at each `up`.
    private static func obstacle(_ renewable: RenewableSecret) -> SourceError? {
        guard case .file(let path)? = renewable.origin.place, access(path, F_OK) == 0 else { return nil }
        return SourceError(
            "its file \(path) is there, and each 'up' would put the file's value back in the place of a new one",
            remedy: "make the store its only place with: stackup secret seal \(renewable.name); or remove 'rotate'")
    }

    /// An answer in a place that an array can refer to.
    private final class Answer {
        private var answer: SourceAnswer?

        init(_ error: SourceError?) { answer = error.map { .failure($0) } }

        var isMissing: Bool { switch answer { case .some: false; case .none: true } }

        func put(_ answer: consuming SourceAnswer) { self.answer = consume answer }

        func take() -> SourceAnswer { answer.take() ?? .failure(SourceError("no answer came")) }
    }
}

extension Invocation {
    /// Waits until no other command gets new values for secrets, and says so where that takes a while.
    func holdRenewals(of store: SecretStore) throws(StoreError) -> RenewalHold {
        try store.holdRenewals(onWait: noteWaitForRenewals)
    }

    func noteWaitForRenewals() {
        streams.note("waiting for another stackup, which makes new values for secrets")
    }
}

extension Int64 {
    /// Since the epoch.
    static var millisecondsNow: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

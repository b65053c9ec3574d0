import Compose
import Glibc
import Linux
import Reconciler
import Runner
import SecretMemory
import SecretStore
import SourceProtocol

/// Renews what is due of a stack's secrets: what the short-lived process does that the supervisor starts.
///
/// What is due is seen from the store, so a second one that comes too early finds nothing to do. A secret whose source fails
/// keeps its value, and the store has the reason. At last the supervisor gets the times that follow.
struct SecretRenewing {
    private let stack: String
    private let invocation: Invocation
    private let now = Int64(time(nil))

    init(_ stack: String, _ invocation: Invocation) {
        self.stack = stack
        self.invocation = invocation
    }

    /// - Throws: where nobody could be told.
    func run() throws {
        // Nobody waits for a stack without a supervisor: the next `up` does what is due by then.
        guard let supervisor = try SupervisorClient.connect(invocation.paths.directories(of: stack)) else { return }
        let waiting = try supervisor.observe().renewals
        do {
            guard let store = try invocation.openStore(),
                let record = try store.stackRecord(stack).flatMap({ StackRecord(decoding: $0) })
            else { return try supervisor.schedule(RenewalSchedule(of: stack, [], invocation)) }
            let renewed = try renew(record, store)
            let next = record.renewals(try store.snapshot(), at: Int64(time(nil)))
            try supervisor.schedule(RenewalSchedule(of: stack, next, invocation), renewed: renewed)
        } catch {
            // The store can't be opened or written: it is locked, or its disk is full.
            try supervisor.schedule(RenewalSchedule(of: stack, waiting.map { postponed($0, because: "\(error)") }, invocation))
        }
    }

    /// One that is due is tried again later, with a pause that grows.
    private func postponed(_ renewal: ObservedRenewal, because reason: String) -> ObservedRenewal {
        guard renewal.due <= now else { return renewal }
        let count = (renewal.failure?.count ?? 0) + 1
        return ObservedRenewal(
            secret: renewal.secret, due: now + RenewalTime.pause(after: count), failure: .init(at: now, count: count, reason: reason))
    }

    /// - Returns: the names of the secrets that have a new version.
    private func renew(_ record: StackRecord, _ store: SecretStore) throws -> [String] {
        let snapshot = try store.snapshot()
        let due = record.secrets.sorted { $0.key < $1.key }.compactMap { name, origin -> Due? in
            guard let secret = snapshot.secret(name), let renewal = origin.renewal,
                RenewalTime.due(renewal, of: secret, at: now) <= now,
                let request = origin.renewalRequest(project: stack, directory: record.workingDirectory)
            else { return nil }
            return Due(secret: secret, renewal: renewal, request: request)
        }
        guard !due.isEmpty else { return [] }
        var delivery = SecretDelivery(store, invocation)
        var renewed: [String] = []
        var answers: [Int: Answer] = [:]
        try SourcesProcess.fetch(due.map(\.request.request), hidden: invocation.paths.privatePaths) { index, answer in
            answers[index] = Answer(answer)
        }
        for (index, due) in due.enumerated() {
            let name = due.secret.name
            switch answers[index]?.take() {
            case .value(let value):
                if delivery.update(due.secret, to: value, from: due.request.source, as: due.event) {
                    renewed.append(name)
                } else {
                    delivery.alsoCommit { $0.noteChecked(of: name) }
                }
            case .failure(let error):
                delivery.alsoCommit { $0.noteFailure(of: name, reason: error.reason) }
            case nil:
                delivery.alsoCommit { $0.noteFailure(of: name, reason: "no answer came") }
            }
        }
        _ = try delivery.deliver()
        return renewed
    }

    /// A secret that it is time for.
    private struct Due {
        let secret: SecretMetadata
        let renewal: SecretRenewal
        let request: RenewalRequest

        var event: AuditEvent.Kind { if case .rotate = renewal { .rotated } else { .updated } }
    }

    /// An answer in a place that a dictionary can refer to.
    private final class Answer {
        private var answer: SourceAnswer?

        init(_ answer: consuming SourceAnswer) { self.answer = consume answer }

        func take() -> SourceAnswer? { answer.take() }
    }
}

extension SecretOrigin {
    /// - Returns: nil for one that renews itself in no way that can be done in the background.
    fileprivate func renewalRequest(project: String, directory: String) -> RenewalRequest? {
        switch renewal {
        case .rotate?: generatorRequest(project: project, directory: directory)
        case .refresh?: driverRequest(project: project)
        case nil: nil
        }
    }
}

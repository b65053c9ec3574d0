import Reconciler
import Runner
import SecretMemory
import SecretStore

/// A stack that is granted secrets of which new versions are delivered, in the hold of this command.
final class DeliveryTarget {
    let name: String
    private let session: StackSession
    private let record: StackRecord
    private let observed: ObservedState
    private var plan = Plan(actions: [])
    /// The delivered secrets' names.
    private var secrets: Set<String> = []
    /// nil where it was sent nothing.
    private var supervisor: SupervisorClient?

    init(_ session: consuming StackSession, _ record: StackRecord) throws {
        name = session.name
        self.record = record
        var observed = try session.observe()
        // What waits for its files is to get them, too.
        if observed.replicas.contains(where: { $0.awaitsMeans == true }), let supervisor = try session.supervisor(),
            try session.restoreFiles(to: supervisor, observed, for: { $0.awaitsMeans == true })
        {
            observed = try supervisor.observe()
        }
        self.observed = observed
        self.session = session
    }

    /// Whether a one-off of the stack has one of these secrets.
    func oneOffsHold(anyOf secrets: Set<String>) -> Bool {
        let keys = Set(observed.oneOffs.map(\.service))
        return observed.mounts.contains { keys.contains($0.service) && $0.files.contains { $0.kind == .secret && secrets.contains($0.name) } }
    }

    /// Works out what it lacks.
    ///
    /// - Parameter versions: by secret, as they will be.
    func plan(_ versions: [String: NamedVersion]) {
        secrets = Set(versions.keys)
        plan = planDelivery(of: versions, to: record.recordedGrants, observed: observed)
    }

    /// The record once the plan is applied; nil where it stays as it is.
    var nextRecord: StackRecord? {
        let next = record.with(files: plan.files)
        return next == record ? nil : next
    }

    /// For the audit log.
    var reads: [AuditEvent] {
        writes.map { service, file in
            AuditEvent(.read, secret: file.name, version: Int(file.version), stack: name, detail: "\(service):\(file.target)")
        }
    }

    private var writes: [(service: String, file: MountedFile)] {
        plan.actions.compactMap { action in
            if case .writeFile(let service, let file) = action.operation { (service, file) } else { nil }
        }
    }

    /// Has the stack's supervisor apply the plan, without waiting for it. One that died is replaced first.
    func send(from store: SecretStore) throws {
        let schedule = try schedule(from: store)
        guard !plan.isEmpty || schedule != nil else { return }
        var payloads: [Deployment.Payload] = []
        var values: [Value] = []
        var places: [Deliverable: Int] = [:]
        for (service, file) in writes {
            let destination = Deployment.Destination(service: service, target: file.target)
            let deliverable = Deliverable(name: file.name, identity: file.identity)
            if let place = places[deliverable] {
                payloads[place].files.append(destination)
            } else {
                places[deliverable] = values.count
                let bytes = try store.read(file.name, version: Int(file.version), identity: file.identity)
                payloads.append(Deployment.Payload(length: bytes.count, files: [destination]))
                values.append(Value(bytes))
            }
        }
        let operations = try plan.actions.compactMap { try Deployment.Operation($0.operation) }
        guard let supervisor = try session.supervisor() else { throw SupervisionError.connectionLost }
        try supervisor.begin(Deployment(operations: operations, payloads: payloads, schedule: schedule)) { position, send in
            try values[position].bytes.withUnsafeBytes(send)
        }
        self.supervisor = supervisor
    }

    /// When its secrets are due, the delivered ones by their new values: a try that failed before is no longer the last. Nil where the
    /// supervisor knows all that.
    private func schedule(from store: SecretStore) throws -> [ScheduledRenewal]? {
        guard let known = observed.schedule?.renewals, known.contains(where: { secrets.contains($0.secret) }) else { return nil }
        let newest = record.schedule(of: name, try store.snapshot(), at: .millisecondsNow)
        let delivered = Dictionary(newest.filter { secrets.contains($0.secret) }.map { ($0.secret, $0) }, uniquingKeysWith: { first, _ in first })
        let next = known.map { delivered[$0.secret] ?? $0 }
        return next == known ? nil : next
    }

    /// Waits until the plan is applied.
    ///
    /// - Throws: with all that did not work.
    func finish(_ onEvent: (InstanceEvent) -> Void) throws {
        guard let supervisor else { return }
        var failures: [String] = []
        try supervisor.finish { event in
            onEvent(event)
            if case .failed(let reason) = event.kind { failures.append("service '\(event.service)' could not be started: \(reason)") }
        }
        if !failures.isEmpty { throw CommandFailure(failures.joined(separator: "\n")) }
    }

    /// A version, which may be in several files.
    private struct Deliverable: Hashable {
        let name: String
        let identity: VersionIdentity?
    }

    /// A value in a place that an array can refer to.
    private final class Value {
        let bytes: SecretBytes

        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }
}

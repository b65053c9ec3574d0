import Glibc
import Linux
import Reconciler
import Runner
import SecretMemory
import SecretStore

/// The files of services that ended while no supervisor ran: with the last process that held it their tmpfs is gone. A successor starts nothing
/// that lacks its files, and has no key; so a command that has one brings them again, as the stack's record has them.
struct FileRestoration {
    private let stack: String
    private let store: SecretStore
    private let record: StackRecord
    private let streams: Streams

    init(_ stack: String, _ store: SecretStore, _ record: StackRecord, _ streams: Streams) {
        self.stack = stack
        self.store = store
        self.record = record
        self.streams = streams
    }

    /// Puts what is missing in place, for a caller who holds the stack's lock. What the restart policies start with it is started then.
    ///
    /// - Parameter isMeant: whether an instance is to have its files.
    /// - Returns: whether there was anything to do. What can't be done is said, and keeps nothing else from being done.
    @discardableResult
    func restore(to supervisor: SupervisorClient, _ observed: ObservedState, for isMeant: (ObservedInstance) -> Bool) -> Bool {
        let services = Set(observed.replicas.filter(isMeant).map(\.service)).sorted()
        let lacking = services.compactMap { lack(of: $0, observed) }
        for service in lacking {
            do {
                try restore(service.plan, service.files, to: supervisor, isNew: service.isNew)
            } catch {
                streams.warn("service '\(service.plan.service)' of '\(stack)' can't have its files again: \(error); run: stackup up -d")
            }
        }
        return !lacking.isEmpty
    }

    private func lack(of service: String, _ observed: ObservedState) -> (plan: LaunchPlan, files: [MountedFile], isNew: Bool)? {
        guard let plan = record.services[service]?.plan, !plan.files.isEmpty else { return nil }
        let mount = observed.mounts.first { $0.service == service }
        let present = Set((mount?.files ?? []).map { Bytewise($0.target) })
        let files = plan.files.filter { !present.contains(Bytewise($0.target)) }
        return files.isEmpty ? nil : (plan, files, mount == nil)
    }

    private func restore(_ plan: LaunchPlan, _ files: [MountedFile], to supervisor: SupervisorClient, isNew: Bool) throws {
        // Their content is in the project's files, and nowhere else.
        if let config = files.first(where: { $0.kind == .config }) { throw CommandFailure("what belongs at \(config.target), a config, is not in the store") }
        let values = try files.map { Value(try store.read($0.name, version: Int($0.version), identity: $0.identity)) }
        let grants = isNew ? grantEvents(from: [], to: files.grants(of: plan.service), of: stack) : []
        try store.audit(grants + files.map {
            AuditEvent(.read, secret: $0.name, version: Int($0.version), stack: stack, detail: "\(plan.service):\($0.target)")
        })
        let deployment = Deployment(
            surroundings: record.surroundings, plans: [plan], operations: files.map { .write(service: plan.service, file: $0) },
            payloads: zip(files, values).map { file, value in
                Deployment.Payload(length: value.bytes.count, files: [Deployment.Destination(service: plan.service, target: file.target)])
            })
        try supervisor.apply(deployment, payload: { position, send in try values[position].bytes.withUnsafeBytes(send) })
    }

    /// A value in a place that an array can refer to.
    private final class Value {
        let bytes: SecretBytes

        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }
}

extension StackSession {
    /// Puts files that went with an earlier supervisor in place again, where this command has the store and nobody else works on the stack.
    ///
    /// - Parameter isMeant: whether an instance is to have its files.
    /// - Returns: whether there was anything to do.
    @discardableResult
    func restoreFiles(to supervisor: SupervisorClient, _ observed: ObservedState, for isMeant: (ObservedInstance) -> Bool) throws -> Bool {
        guard let store, let record, observed.replicas.contains(where: isMeant) else { return false }
        if holdsLock { return FileRestoration(name, store, record, streams).restore(to: supervisor, observed, for: isMeant) }
        // Who only looks on may have read the record before another command changed it; and one that works on the stack sees to it itself.
        let lock = try RuntimeLock.acquireIfPresent(directories, command: commandName, onWait: nil)
        guard lock != nil, let record = try store.stackRecord(name).flatMap({ StackRecord(decoding: $0) }) else { return false }
        defer { withExtendedLifetime(lock) {} }
        return FileRestoration(name, store, record, streams).restore(to: supervisor, try supervisor.observe(), for: isMeant)
    }
}

import Compose
import Glibc
import Reconciler
import Runner
import Linux
import SecretMemory
import SecretStore

/// Applies a plan: the store first, then what runs. Killed in between, the next `up` finds the difference again.
struct Deployer {
    let preparation: Preparation
    let plan: Plan
    let store: SecretStore
    let record: StackRecord?
    /// The launch plans of the wanted services and one-offs with the files they have once the plan is applied.
    private let launchPlans: [LaunchPlan]
    private let nextRecord: StackRecord
    /// Whether that is what the store has.
    private let isRecorded: Bool
    /// Those that differ from what is recorded.
    private let changedPlans: [LaunchPlan]
    /// Whether secrets of the stack get new values by themselves.
    var renews: Bool { !nextRecord.renewableSecrets(of: preparation.stack.name).isEmpty }

    /// - Parameter record: the stack as last applied.
    init(preparation: Preparation, plan: Plan, store: SecretStore, record: StackRecord?) {
        self.preparation = preparation
        self.plan = plan
        self.store = store
        self.record = record
        let launchPlans = Self.launchPlans(preparation, plan)
        self.launchPlans = launchPlans
        let nextRecord = Self.nextRecord(preparation, plan, launchPlans, after: record)
        let isRecorded = nextRecord == record
        self.nextRecord = nextRecord
        self.isRecorded = isRecorded
        // One-offs have no plan on record.
        changedPlans = launchPlans.filter { !isRecorded || $0.oneOff != nil }.filter { record?.services[$0.service]?.plan != $0 }
    }

    private static func launchPlans(_ preparation: Preparation, _ plan: Plan) -> [LaunchPlan] {
        (preparation.wanted.services.map(\.service.name) + preparation.wanted.oneOffs.map(\.key)).compactMap { name in
            guard var launchPlan = preparation.launchPlans[name] else { return nil }
            launchPlan.files = plan.files[name] ?? []
            return launchPlan
        }
    }

    /// Puts new versions of secrets and the stack as it is about to run into the store, in one commit.
    ///
    /// - Parameter observed: what runs: who is granted something is told from who had it before.
    func commit(observed: ObservedState) throws {
        var changes = StoreChanges()
        let wanted = Dictionary(preparation.wanted.secrets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let labels = Dictionary(preparation.stack.secrets.map { ($0.storeName, $0.labels) }, uniquingKeysWith: { first, _ in first })
        for case .storeSecret(let name, let version) in plan.actions.map(\.operation) {
            guard let secret = wanted[name] else { continue }
            try preparation.secrets.withValue(of: name) { value in
                let copy = try value.withUnsafeBytes { bytes throws(SystemCallError) in try SecretBytes(copying: bytes) }
                if version == 1 {
                    changes.createSecret(
                        name, labels: labels[name] ?? [:], source: secret.source, value: copy, for: preparation.stack.name,
                        identity: secret.identity)
                } else {
                    changes.addVersion(
                        of: name, expectedVersion: version - 1, source: secret.source, value: copy, for: preparation.stack.name,
                        identity: secret.identity)
                }
            }
        }
        for declaration in preparation.stack.secrets {
            guard case .file(let path) = declaration.source, preparation.secrets.unsealed.contains(where: { $0.name == declaration.storeName })
            else { continue }
            changes.unseal(declaration.storeName, becauseOf: path)
        }
        for (name, reason) in preparation.secrets.failures.sorted(by: { $0.key < $1.key }) { changes.noteFailure(of: name, reason: reason) }
        for name in preparation.secrets.checked { changes.noteChecked(of: name) }
        if !isRecorded {
            let name = preparation.stack.name
            changes.putStackRecord(name, nextRecord.encoded())
        }
        // A service that is down has no files: what it gets is granted, though the record has had it before.
        let live = Set(observed.mounts.map(\.service))
        let next = nextRecord.grants(of: live.union(launchPlans.map(\.service)))
            + launchPlans.filter { $0.oneOff != nil }.flatMap { $0.files.grants(of: $0.service) }
        let events = grantEvents(from: record?.grants(of: live) ?? [], to: next, of: preparation.stack.name)
            + (sendsForSure ? reads(of: missingFiles(observed).map(\.file)) : [])
        guard !changes.isEmpty else { return try store.audit(events) }
        for event in events { changes.note(event) }
        try store.commit(changes)
    }

    /// Services that were not part of this `up` stay as they were recorded, unless the plan removes them. Of one-offs the record has what they
    /// could write to.
    private static func nextRecord(
        _ preparation: Preparation, _ plan: Plan, _ launchPlans: [LaunchPlan], after record: StackRecord?
    ) -> StackRecord {
        let folders = launchPlans.filter { $0.oneOff != nil }.flatMap(\.writableFolders)
        let launchPlans = launchPlans.filter { $0.oneOff == nil }
        if var record, launchPlans.isEmpty, !preparation.wanted.oneOffs.isEmpty {
            record.remember(folders: folders)
            return record
        }
        var services = record?.services ?? [:]
        for case .removeInstance(let service, _) in plan.actions.map(\.operation)
        where !preparation.wanted.declaredServices.contains(service) {
            services[service] = nil
        }
        let wanted = Dictionary(
            preparation.wanted.services.map { ($0.service.name, (attributes: $0.service.attributes, files: $0.files)) },
            uniquingKeysWith: { $1 })
        for launchPlan in launchPlans {
            let wanted = wanted[launchPlan.service]
            services[launchPlan.service] = StackRecord.Entry(
                attributes: wanted?.attributes ?? [:], plan: launchPlan,
                reactions: (wanted?.files ?? []).filter { $0.onSecretChange != .none }.map {
                    StackRecord.Reaction(target: $0.target, reaction: $0.onSecretChange)
                })
        }
        var next = StackRecord(preparation.stack, surroundings: preparation.surroundings, services: services)
        // Or nobody would know any more that plaintext of it is left, nor where.
        for seal in preparation.unfinishedSeals where seal.declaration == nil { next.secrets[seal.secret] = record?.secrets[seal.secret] }
        next.oneOffFolders = record?.oneOffFolders ?? []
        next.remember(folders: folders)
        // Nobody has asked whether there is a value by these options: it stays the one by those that it was asked with.
        let asked = Set(preparation.wanted.secrets.map(\.name))
        for case (let name, let origin) in next.secrets where !asked.contains(name) {
            if case .driver? = origin.place { next.secrets[name] = record?.secrets[name] }
        }
        return next
    }

    /// Sends the plan to the supervisor, with the bytes of every file it does not hold yet.
    ///
    /// - Parameters:
    ///   - caller: who waits for the one-off, with the descriptors that it hands over.
    ///   - timeout: how long instances have that it ends, in milliseconds; nil: each service's own grace period.
    ///   - onEvent: called for each change of an instance.
    func apply(
        to supervisor: SupervisorClient, observed: ObservedState, for caller: (Deployment.Caller, descriptors: [Int32])? = nil,
        timeoutMilliseconds timeout: Int64? = nil, onEvent: (InstanceEvent) -> Void
    ) throws {
        let masks = movedMasks(observed)
        // An `up` before this one may have been killed while the supervisor still carries it out: a deployment queues
        // behind that, even an empty one.
        let isUnderWay = observed.instances.contains { $0.status == .created }
        let schedule = nextRecord.schedule(of: preparation.stack.name, try store.snapshot(), at: .millisecondsNow)
        let isScheduled = schedule == observed.schedule?.renewals ?? []
        guard sendsForSure || !masks.isEmpty || isUnderWay || !isScheduled else { return }
        let contents = try missingContents(observed)
        if !sendsForSure { try store.audit(reads(of: contents.map(\.file))) }
        let operations = try plan.actions.compactMap { try Deployment.Operation($0.operation) }
        // The supervisor has the others' plans already.
        let involved = Set(changedPlans.map(\.service) + operations.map(\.service))
        let deployment = Deployment(
            surroundings: preparation.surroundings, plans: launchPlans.filter { involved.contains($0.service) },
            operations: operations, payloads: contents.map(\.payload), masks: masks,
            schedule: isScheduled ? nil : schedule, caller: caller?.0, timeoutMilliseconds: timeout)
        try supervisor.apply(
            deployment, descriptors: caller?.descriptors ?? [],
            payload: { position, send in try withContent(of: contents[position].file, send) },
            onEvent: onEvent)
    }

    /// The secrets that got a newer version while this was under way. Whoever stored it could not know of this deployment yet.
    ///
    /// - Parameter observed: as it was before: one-offs that run have what they were started with.
    func overtakenSecrets(_ observed: ObservedState) throws -> Set<String> {
        let snapshot = try store.snapshot()
        let oneOffs = Set(observed.oneOffs.filter { $0.status != .exited }.map(\.service))
        let held = observed.mounts.filter { oneOffs.contains($0.service) }.flatMap(\.files)
        let files = (launchPlans.flatMap(\.files) + held).filter { file in
            file.kind == .secret && snapshot.secret(file.name)?.newest.identity != file.identity
        }
        return Set(files.map(\.name))
    }

    /// Whether the supervisor gets something, whatever it is doing: then its commit tells which values go to services. Otherwise that is
    /// told when it turns out.
    private var sendsForSure: Bool { !plan.isEmpty || !changedPlans.isEmpty || !isRecorded && record?.surroundings != nextRecord.surroundings }

    /// What the audit log says of values that go to services, each once, wherever this command has it from: what is stored and what was
    /// read from its source a moment ago are one value.
    private func reads(of files: [MountedFile]) -> [AuditEvent] {
        let command = preparation.wanted.oneOffs.isEmpty ? "up" : "run"
        var told = Set<[String]>()
        return files.filter { $0.kind == .secret && told.insert([$0.name, $0.version]).inserted }.map {
            AuditEvent(.read, secret: $0.name, version: Int($0.version), stack: preparation.stack.name, detail: command)
        }
    }

    /// The masks that were laid on another file than the secret comes from now, or on none: an editor that saves by
    /// renaming takes the mask off with the old file.
    private func movedMasks(_ observed: ObservedState) -> [MaskedFile] {
        let laid = Set(observed.maskedFiles)
        return preparation.plaintextSources.map { MaskedFile(path: $0, identity: fileIdentity($0) ?? "missing") }
            .filter { !laid.contains($0) }
    }

    /// Bytes that the supervisor does not hold yet, each once, with the files that they belong in.
    private func missingContents(
        _ observed: ObservedState
    ) throws -> [(file: MountedFile, payload: Deployment.Payload)] {
        var contents: [(file: MountedFile, payload: Deployment.Payload)] = []
        var places: [String: Int] = [:]
        for (service, file) in missingFiles(observed) {
            let destination = Deployment.Destination(service: service, target: file.target)
            let key = "\(file.kind.rawValue) \(file.name) \(file.identity?.description ?? file.version)"
            if let place = places[key] {
                contents[place].payload.files.append(destination)
            } else {
                var length = 0
                try withContent(of: file) { length = $0.count }
                places[key] = contents.count
                contents.append((file, Deployment.Payload(length: length, files: [destination])))
            }
        }
        return contents
    }

    /// Files of services whose mount lacks them or holds another version, owner or mode.
    private func missingFiles(_ observed: ObservedState) -> [(service: String, file: MountedFile)] {
        let mounted = Dictionary(observed.mounts.map { ($0.service, Set($0.files)) }, uniquingKeysWith: { $1 })
        return launchPlans.flatMap { launchPlan in
            launchPlan.files.filter { !(mounted[launchPlan.service]?.contains($0) ?? false) }
                .map { (launchPlan.service, $0) }
        }
    }

    private func withContent(of file: MountedFile, _ lend: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch file.kind {
        case .config:
            try (preparation.configs[file.name] ?? []).withUnsafeBytes(lend)
        case .secret:
            let taken: Void? = try preparation.secrets.withValue(of: file.name) { value in
                try value.withUnsafeBytes(lend)
            }
            if taken == nil { try store.read(file.name, version: Int(file.version), identity: file.identity).withUnsafeBytes(lend) }
        }
    }
}

extension Deployment.Operation {
    /// The service that it is done to.
    fileprivate var service: String {
        switch self {
        case .create(let service, _), .recreate(let service, _), .start(let service, _), .hold(let service, _), .remove(let service, _),
            .write(let service, _), .removeFile(let service, _), .signal(let service, _), .restart(let service):
            service
        }
    }

    /// The supervisor's part of a plan's step; nil where the store's part is all of it.
    init?(_ operation: Action.Operation) throws(DeploymentError) {
        switch operation {
        case .storeSecret: return nil
        case .writeFile(let service, let file): self = .write(service: service, file: file)
        case .removeFile(let service, let file): self = .removeFile(service: service, file: file)
        case .createInstance(let service, let index): self = .create(service: service, index: index)
        case .recreateInstance(let service, let index): self = .recreate(service: service, index: index)
        case .startInstance(let service, let index): self = .start(service: service, index: index)
        case .holdInstance(let service, let index): self = .hold(service: service, index: index)
        case .removeInstance(let service, let index): self = .remove(service: service, index: index)
        case .signalService(let service, let signal):
            guard let number = Signals.number(signal) else { throw DeploymentError("'\(signal)' is not a signal") }
            self = .signal(service: service, signal: number)
        case .restartService(let service): self = .restart(service: service)
        }
    }
}

import Glibc
import Linux
import Reconciler
import Runner
import SecretMemory
import SecretStore

/// New versions of secrets on their way into the store and, at once, into every running grant of every stack: what `update`,
/// `rollback`, `rotate` and a refresh have in common.
///
///     var delivery = SecretDelivery(store, invocation)
///     delivery.update(secret, to: value, from: "standard input")
///     let outcome = try delivery.deliver()
///
/// The versions and the records of the stacks that hold them are one commit. Compose files are not read: the record has the grants
/// and what each of them asks for when its secret changes. A stack whose supervisor died is adopted first; one that does
/// not run gets the newest version from its next `up`. Each stack gets all of its files before its first signal. Stacks that another
/// command works on are waited for once all others have theirs; what goes wrong in one keeps no other from getting its own.
///
/// Killed at any point, the same command again does what is left: a version that is stored and not in place is delivered, too.
struct SecretDelivery: ~Copyable {
    private let store: SecretStore
    private let invocation: Invocation
    private var updates: [Update] = []
    private var names: Set<String> = []
    private var extraSteps: [(inout StoreChanges) -> Void] = []
    /// Hears what happens in which stack.
    var onEvent: (InstanceEvent, _ stack: String) -> Void = { _, _ in }
    /// Called once the new versions are stored and on their way to every stack that nobody else works on. What follows may wait for others,
    /// for as long as they like.
    var onSent: () -> Void = {}

    /// A value that waits for its place in the store.
    private final class Update {
        let name: String
        let value: SecretBytes
        let source: String
        let event: AuditEvent.Kind
        /// The stack whose clock asked for it; nil for a person's doing.
        let schedule: String?

        init(_ name: String, _ value: consuming SecretBytes, _ source: String, _ event: AuditEvent.Kind, _ schedule: String?) {
            self.name = name
            self.value = value
            self.source = source
            self.event = event
            self.schedule = schedule
        }
    }

    /// - Parameter store: open, and of the invocation's own place.
    init(_ store: SecretStore, _ invocation: Invocation) {
        self.store = store
        self.invocation = invocation
    }

    /// Adds a new value.
    ///
    /// - Parameters:
    ///   - secret: as a snapshot of the store has it.
    ///   - source: where the value comes from, for people.
    ///   - event: what the audit log calls it.
    ///   - schedule: the stack whose clock asked for it; nil for a person's doing.
    /// - Returns: false where the newest version has this value already: then no other is made of it, and it is delivered where it
    ///   is not in place yet.
    @discardableResult
    mutating func update(
        _ secret: SecretMetadata, to value: consuming SecretBytes, from source: String, as event: AuditEvent.Kind = .updated,
        scheduledBy schedule: String? = nil
    ) -> Bool {
        names.insert(secret.name)
        guard store.fingerprint(of: value) != secret.newest.fingerprint else { return false }
        updates.append(Update(secret.name, value, source, event, schedule))
        return true
    }

    /// Adds secrets whose newest versions may not be in place everywhere.
    mutating func deliverAgain(_ names: Set<String>) {
        self.names.formUnion(names)
    }

    /// Adds something else to the commit, such as that a source was asked.
    mutating func alsoCommit(_ step: @escaping (inout StoreChanges) -> Void) {
        extraSteps.append(step)
    }

    /// Commits everything as a whole, and delivers it.
    ///
    /// - Throws: where the store refuses the commit: nothing has changed then. What goes wrong in a stack is in the outcome.
    consuming func deliver() throws -> Outcome {
        var outcome = Outcome(snapshot: try store.snapshot())
        // Who comes second waits: two deliveries that each held what the other waits for would wait for ever.
        let held = users(in: outcome.snapshot).compactMap { hold($0, waits: false, &outcome) }
        try commit(to: held, &outcome)
        for target in held { outcome.note(target) { try target.send(from: store) } }
        onSent()
        for target in held { outcome.note(target) { try finish(target) } }
        // Those that another command held, and those that one has given a grant meanwhile.
        let done = Set(held.map(\.name) + outcome.failures.map(\.stack))
        for name in users(in: outcome.snapshot) where !done.contains(name) {
            guard let target = hold(name, waits: true, &outcome) else { continue }
            outcome.note(target) {
                _ = try commit(StoreChanges(), to: [target], [:], try store.snapshot())
                try target.send(from: store)
                try finish(target)
            }
        }
        return outcome
    }

    /// What came of a delivery.
    struct Outcome {
        /// The store's state after it.
        fileprivate(set) var snapshot: StoreSnapshot
        /// The names of secrets that got no new version, since somebody has removed them meanwhile.
        fileprivate(set) var removed: Set<String> = []
        /// What went wrong, by stack; the store has the new versions all the same.
        fileprivate(set) var failures: [Failure] = []

        struct Failure {
            let stack: String
            /// A line for each thing.
            let reason: String
        }

        fileprivate mutating func note(_ target: DeliveryTarget, _ body: () throws -> Void) {
            do { try body() } catch { failures.append(Failure(stack: target.name, reason: "\(error)")) }
        }
    }
}

// MARK: Steps

extension SecretDelivery {
    /// The names of the stacks with a runtime folder, of which a service or a one-off may be granted one of the secrets.
    private borrowing func users(in snapshot: StoreSnapshot) -> [String] {
        snapshot.stackNames.filter { name in
            let directories = invocation.paths.directories(of: name)
            guard access(directories.runtime, F_OK) == 0 else { return false }
            let bytes: [UInt8]
            do {
                guard let record = try store.stackRecord(name) else { return false }
                bytes = record
            } catch {
                // That is told of once the stack is to get its own.
                return true
            }
            // Cheaper than to decode a record that says nothing of them, as long as they are few. What one-offs have is in no record
            // of the store.
            let state = StackRemains.state(directories) ?? []
            guard names.count > 4 else { return names.contains { bytes.contains(text: $0) || state.contains(text: $0) } }
            return StackRecord(decoding: bytes)?.grants(anyOf: names) ?? true || names.contains { state.contains(text: $0) }
        }
    }

    /// - Returns: nil where there is nothing to deliver to, or to wait for.
    private borrowing func hold(_ name: String, waits: Bool, _ outcome: inout Outcome) -> DeliveryTarget? {
        do {
            guard let session = try StackSession.holding(name, invocation, store: store, waits: waits) else { return nil }
            guard let record = session.record else {
                if try store.stackRecord(name) == nil { return nil }
                throw CommandFailure("another version of stackup has started it, so that it gets no new values; run 'up' in its project")
            }
            let isGranted = record.grants(anyOf: names)
            let target = try DeliveryTarget(session, record)
            return isGranted || target.oneOffsHold(anyOf: names) ? target : nil
        } catch is SupervisorIsEnding {
            // Its turn comes with those that are waited for.
            return nil
        } catch {
            outcome.failures.append(.init(stack: name, reason: "\(error)"))
            return nil
        }
    }

    /// Notes the store's state with the new versions, and what got none.
    private borrowing func commit(to targets: [DeliveryTarget], _ outcome: inout Outcome) throws {
        while true {
            let snapshot = try store.snapshot()
            // The records name the versions as they will be.
            var coming: [String: NamedVersion] = [:]
            var changes = StoreChanges()
            for update in updates {
                guard let secret = snapshot.secret(update.name) else {
                    outcome.removed.insert(update.name)
                    continue
                }
                let number = coming[update.name]?.number ?? secret.newest.number
                let identity = VersionIdentity.random()
                coming[update.name] = NamedVersion(number + 1, identity)
                let copy = try update.value.withUnsafeBytes { bytes throws(SystemCallError) in try SecretBytes(copying: bytes) }
                changes.addVersion(
                    of: update.name, expectedVersion: number, source: update.source, value: copy, as: update.event,
                    for: update.schedule ?? "", remark: update.schedule == nil ? "" : "as scheduled", identity: identity)
            }
            for step in extraSteps { step(&changes) }
            do {
                outcome.snapshot = try commit(changes, to: targets, coming, snapshot)
                return
            } catch StoreError.versionConflict {
                // Somebody else was faster: theirs has that number, ours the next.
                continue
            } catch StoreError.noSuchSecret {
                // Somebody has removed one, which keeps the others from nothing.
                continue
            }
        }
    }

    /// Commits the changes together with the records of the stacks as they are about to be.
    private borrowing func commit(
        _ changes: consuming StoreChanges, to targets: [DeliveryTarget], _ coming: [String: NamedVersion],
        _ snapshot: StoreSnapshot
    ) throws -> StoreSnapshot {
        let known = names.compactMap { name in snapshot.secret(name).map { (name, NamedVersion($0.newest.number, $0.newest.identity)) } }
        let versions = Dictionary(uniqueKeysWithValues: known).merging(coming) { $1 }
        for target in targets {
            target.plan(versions)
            if let record = target.nextRecord { changes.putStackRecord(target.name, record.encoded()) }
        }
        let reads = targets.flatMap(\.reads)
        guard !changes.isEmpty else {
            try store.audit(reads)
            return snapshot
        }
        for event in reads { changes.note(event) }
        return try store.commit(changes)
    }

    private borrowing func finish(_ target: DeliveryTarget) throws {
        try target.finish { onEvent($0, target.name) }
    }
}

extension [UInt8] {
    /// Whether a text is in it.
    fileprivate func contains(text: String) -> Bool {
        var text = text
        return text.withUTF8 { text in
            withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress, let first = text.first, let pattern = text.baseAddress else { return false }
                var rest = bytes.count - text.count + 1
                var place = start
                while rest > 0, let found = memchr(place, Int32(first), rest) {
                    if memcmp(found, pattern, text.count) == 0 { return true }
                    rest -= UnsafeRawPointer(found) - place + 1
                    place = UnsafeRawPointer(found) + 1
                }
                return false
            }
        }
    }
}

import SecretMemory

/// A commit in the making: what changes in the index, and the objects that come and go with it.
///
/// Nothing is written here; a step that can't be done leaves no trace.
struct Draft {
    /// A sealed file that has to be on the disk before the index that refers to it.
    struct NewObject {
        let identifier: Identifier
        let sealed: [UInt8]
    }

    private let index: Index
    private let now: Int64
    private let uid: UInt32
    private let seal: (UnsafeRawBufferPointer, Identifier, Binding.Kind) -> [UInt8]
    private let digest: (borrowing SecretBytes) -> Fingerprint

    /// What differs from the index; nil where an entry goes away.
    private var secrets: [String: SecretMetadata?] = [:]
    private var records: [String: Identifier?] = [:]
    /// In the order in which they were made.
    private var made: [NewObject] = []
    private var replaced: Set<Identifier> = []
    /// What the audit log will say.
    private(set) var events: [AuditEvent] = []

    /// - Parameters:
    ///   - now: seconds since the epoch.
    ///   - uid: who stores the new versions.
    init(
        on index: Index, now: Int64, uid: UInt32, seal: @escaping (UnsafeRawBufferPointer, Identifier, Binding.Kind) -> [UInt8],
        digest: @escaping (borrowing SecretBytes) -> Fingerprint
    ) {
        self.index = index
        self.now = now
        self.uid = uid
        self.seal = seal
        self.digest = digest
    }

    mutating func apply(_ step: StoreChanges.Step) throws(StoreError) {
        switch step {
        case .create(let name, let labels, let source, let value, let stack, let identity):
            try create(name, labels: labels, source: source, value: value, stack: stack, identity)
        case .addVersion(let name, let expectedVersion, let source, let value, let event, let identity):
            try addVersion(of: name, expectedVersion: expectedVersion, source: source, value: value, event: event, identity)
        case .remove(let name, let evenIfSealed):
            let secret = try present(name)
            guard !secret.isSealed || evenIfSealed else { throw .sealed(name) }
            replaced.formUnion(secret.versions.map(\.object))
            secrets[name] = .some(nil)
            events.append(AuditEvent(.removed, secret: name))
        case .removeVersions(let name, let numbers):
            try removeVersions(numbers, of: name)
        case .setSealed(let name, let isSealed):
            var secret = try present(name)
            secret.isSealed = isSealed
            secrets[name] = secret
            events.append(AuditEvent(isSealed ? .sealed : .unsealed, secret: name, version: secret.newest.number))
        case .noteChecked(let name):
            guard var secret = secret(name) else { return }
            secret.checkedAt = now
            secret.failure = nil
            secrets[name] = secret
        case .noteFailure(let name, let reason):
            guard var secret = secret(name) else { return }
            let reason = reason.cut(toBytes: Self.sourceLimit)
            secret.failure = SecretMetadata.Failure(at: now, count: (secret.failure?.count ?? 0) + 1, reason: reason)
            secrets[name] = secret
            events.append(AuditEvent(.failed, secret: name, detail: reason))
        case .note(let event):
            events.append(event)
        case .putRecord(let stack, let bytes):
            if let problem = stackNameProblem(stack) { throw .invalid("stack \(stack): \(problem)") }
            guard bytes.count <= SecretStore.recordLimit else {
                throw .invalid("stack \(stack): its record has \(bytes.count) bytes, more than the \(SecretStore.recordLimit) allowed")
            }
            if let old = record(stack) { replaced.insert(old) }
            records[stack] = bytes.withUnsafeBytes { add($0, .stackRecord) }
        case .removeRecord(let stack):
            guard let old = record(stack) else { return }
            replaced.insert(old)
            records[stack] = .some(nil)
        }
    }

    private mutating func create(
        _ name: String, labels: [String: String], source: String, value: StoreChanges.Value, stack: String, _ identity: VersionIdentity
    ) throws(StoreError) {
        if let problem = secretNameProblem(name) ?? labelsProblem(labels) {
            throw .invalid("secret \(name): \(problem)")
        }
        guard secret(name) == nil else { throw .secretExists(name) }
        let version = try version(1, of: name, source: source, value, identity)
        secrets[name] = SecretMetadata(
            identifier: .random(), name: name, labels: labels, createdAt: now, updatedAt: now, versions: [version])
        events.append(AuditEvent(.created, secret: name, version: 1, stack: stack, detail: version.source))
    }

    private mutating func addVersion(
        of name: String, expectedVersion: Int?, source: String, value: StoreChanges.Value, event: AuditEvent,
        _ identity: VersionIdentity
    ) throws(StoreError) {
        var secret = try present(name)
        if let expectedVersion, expectedVersion != secret.newest.number {
            throw .versionConflict(secret: name, expected: expectedVersion, found: secret.newest.number)
        }
        let version = try version(secret.newest.number + 1, of: name, source: source, value, identity)
        secret.versions.append(version)
        secret.updatedAt = now
        secret.checkedAt = now
        secret.failure = nil
        secrets[name] = secret
        var event = event
        event.version = version.number
        event.detail = event.detail.isEmpty ? version.source : "\(version.source), \(event.detail)"
        events.append(event)
    }

    private mutating func removeVersions(_ numbers: Set<Int>, of name: String) throws(StoreError) {
        var secret = try present(name)
        for number in numbers.sorted() {
            guard let version = secret.version(number) else { throw .noSuchVersion(secret: name, version: number) }
            guard number != secret.newest.number else {
                throw .invalid("secret \(name): version \(number) is its newest and stays")
            }
            replaced.insert(version.object)
            events.append(AuditEvent(.pruned, secret: name, version: number))
        }
        secret.versions.removeAll { numbers.contains($0.number) }
        secrets[name] = secret
    }

    private mutating func version(
        _ number: Int, of name: String, source: String, _ value: StoreChanges.Value, _ identity: VersionIdentity
    ) throws(StoreError) -> SecretVersion {
        let size = value.bytes.count
        guard size > 0 else { throw .invalid("secret \(name): its value is empty") }
        guard size <= SecretStore.valueLimit else {
            throw .invalid("secret \(name): its value has \(size) bytes, more than the \(SecretStore.valueLimit) allowed")
        }
        let object = value.bytes.withUnsafeBytes { add($0, .secretValue, as: .random(of: identity)) }
        return SecretVersion(
            number: number, createdAt: now, uid: uid, source: source.cut(toBytes: Self.sourceLimit), size: size,
            digest: digest(value.bytes), object: object)
    }

    private mutating func add(
        _ plaintext: UnsafeRawBufferPointer, _ kind: Binding.Kind, as identifier: Identifier = .random()
    ) -> Identifier {
        made.append(NewObject(identifier: identifier, sealed: seal(plaintext, identifier, kind)))
        return identifier
    }

    private func present(_ name: String) throws(StoreError) -> SecretMetadata {
        guard let secret = secret(name) else { throw .noSuchSecret(name) }
        return secret
    }

    private func secret(_ name: String) -> SecretMetadata? {
        if let changed = secrets[name] { return changed }
        return index.secret(name)
    }

    private func record(_ stack: String) -> Identifier? {
        if let changed = records[stack] { return changed }
        return index.stackRecord(stack)
    }

    /// A path of any length and a word before it.
    private static let sourceLimit = 8192
}

extension Draft {
    /// The objects to write: those made, but for those that a later step replaced again.
    var newObjects: [NewObject] { made.filter { !replaced.contains($0.identifier) } }

    /// The objects that the index refers to and its successor won't.
    var releasedObjects: [Identifier] { replaced.subtracting(made.map(\.identifier)).sorted() }

    /// The index with all the changes.
    ///
    /// - Parameter logHead: the log's end with the events of this commit.
    func nextIndex(logHead: LogHead) -> Index {
        index.applying(
            secrets: secrets.mapValues { $0?.encoded },
            stacks: Dictionary(
                uniqueKeysWithValues: records.map { stack, object in (stack, object.map { Index.stackEntry(stack, $0) }) }),
            logHead: logHead)
    }
}

extension String {
    /// The text, without its end where it has more bytes than that.
    func cut(toBytes limit: Int) -> String {
        utf8.count <= limit ? self : String(decoding: utf8.prefix(limit - 3), as: UTF8.self).trimmedReplacement + "…"
    }

    /// Without the replacement character that cutting within a character leaves.
    private var trimmedReplacement: String {
        last == "\u{FFFD}" ? String(dropLast()) : self
    }
}

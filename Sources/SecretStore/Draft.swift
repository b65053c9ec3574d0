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
    private let seal: (UnsafeRawBufferPointer, Identifier, Binding.Kind) -> [UInt8]
    private let digest: (borrowing SecretBytes) -> Fingerprint

    /// What differs from the index; nil where an entry goes away.
    private var secrets: [String: SecretMetadata?] = [:]
    private var records: [String: Identifier?] = [:]
    /// In the order in which they were made.
    private var made: [NewObject] = []
    private var replaced: Set<Identifier> = []

    /// - Parameter now: seconds since the epoch.
    init(
        on index: Index, now: Int64, seal: @escaping (UnsafeRawBufferPointer, Identifier, Binding.Kind) -> [UInt8],
        digest: @escaping (borrowing SecretBytes) -> Fingerprint
    ) {
        self.index = index
        self.now = now
        self.seal = seal
        self.digest = digest
    }

    mutating func apply(_ step: StoreChanges.Step) throws(StoreError) {
        switch step {
        case .create(let name, let labels, let source, let value):
            try create(name, labels: labels, source: source, value: value)
        case .addVersion(let name, let expectedVersion, let source, let value):
            try addVersion(of: name, expectedVersion: expectedVersion, source: source, value: value)
        case .remove(let name):
            guard let secret = secret(name) else { throw .noSuchSecret(name) }
            replaced.formUnion(secret.versions.map(\.object))
            secrets[name] = .some(nil)
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
        _ name: String, labels: [String: String], source: String, value: StoreChanges.Value
    ) throws(StoreError) {
        if let problem = secretNameProblem(name) ?? labelsProblem(labels) {
            throw .invalid("secret \(name): \(problem)")
        }
        guard secret(name) == nil else { throw .secretExists(name) }
        let version = try version(1, of: name, value)
        secrets[name] = SecretMetadata(
            identifier: .random(), name: name, labels: labels, createdAt: now, updatedAt: now,
            source: source.cut(toBytes: Self.sourceLimit), versions: [version])
    }

    private mutating func addVersion(
        of name: String, expectedVersion: Int?, source: String, value: StoreChanges.Value
    ) throws(StoreError) {
        guard var secret = secret(name) else { throw .noSuchSecret(name) }
        if let expectedVersion, expectedVersion != secret.newest.number {
            throw .versionConflict(secret: name, expected: expectedVersion, found: secret.newest.number)
        }
        secret.versions.append(try version(secret.newest.number + 1, of: name, value))
        secret.source = source.cut(toBytes: Self.sourceLimit)
        secret.updatedAt = now
        secrets[name] = secret
    }

    private mutating func version(
        _ number: Int, of name: String, _ value: StoreChanges.Value
    ) throws(StoreError) -> SecretVersion {
        let size = value.bytes.count
        guard size > 0 else { throw .invalid("secret \(name): its value is empty") }
        guard size <= SecretStore.valueLimit else {
            throw .invalid("secret \(name): its value has \(size) bytes, more than the \(SecretStore.valueLimit) allowed")
        }
        let object = value.bytes.withUnsafeBytes { add($0, .secretValue) }
        return SecretVersion(
            number: number, createdAt: now, size: size, digest: digest(value.bytes), object: object)
    }

    private mutating func add(_ plaintext: UnsafeRawBufferPointer, _ kind: Binding.Kind) -> Identifier {
        let identifier = Identifier.random()
        made.append(NewObject(identifier: identifier, sealed: seal(plaintext, identifier, kind)))
        return identifier
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
    var nextIndex: Index {
        index.applying(
            secrets: secrets.mapValues { $0?.encoded },
            stacks: Dictionary(
                uniqueKeysWithValues: records.map { stack, object in
                    var entry: [UInt8] = []
                    entry.append(text: stack)
                    if let object { entry.append(littleEndian: object.value) }
                    return (stack, object == nil ? nil : entry)
                }))
    }
}

extension String {
    /// The text, without its end where it has more bytes than that.
    fileprivate func cut(toBytes limit: Int) -> String {
        utf8.count <= limit ? self : String(decoding: utf8.prefix(limit - 3), as: UTF8.self).trimmedReplacement + "…"
    }

    /// Without the replacement character that cutting within a character leaves.
    private var trimmedReplacement: String {
        last == "\u{FFFD}" ? String(dropLast()) : self
    }
}

import SecretMemory

/// What one commit is to do; nothing of it happens before `SecretStore.commit`, and then all of it or nothing.
///
/// The steps are applied in the order in which they were added. The values are wiped when the changes
/// go away, committed or not.
public struct StoreChanges: ~Copyable {
    enum Step {
        case create(name: String, labels: [String: String], source: String, value: Value, stack: String, identity: VersionIdentity)
        case addVersion(name: String, expectedVersion: Int?, source: String, value: Value, event: AuditEvent, identity: VersionIdentity)
        case remove(name: String, evenIfSealed: Bool)
        case removeVersions(name: String, numbers: Set<Int>)
        case setSealed(name: String, isSealed: Bool)
        case noteChecked(name: String)
        case noteFailure(name: String, reason: String)
        case note(AuditEvent)
        case putRecord(stack: String, bytes: [UInt8])
        case removeRecord(stack: String)
    }

    /// A value in a place that an array can refer to.
    final class Value {
        let bytes: SecretBytes
        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }

    private(set) var steps: [Step] = []

    /// No changes yet.
    public init() {}

    /// Whether there is nothing to do.
    public var isEmpty: Bool { steps.isEmpty }

    /// A new secret with its first version. The commit fails where the name is taken.
    ///
    /// - Parameters:
    ///   - name: see `secretNameProblem`.
    ///   - labels: as `docker secret create --label`.
    ///   - source: where the value comes from, for people.
    ///   - value: 1 to `SecretStore.valueLimit` bytes.
    ///   - stack: the one that it was made for, for the audit log.
    ///   - identity: of its first version, where something has to name it before the commit.
    public mutating func createSecret(
        _ name: String, labels: [String: String] = [:], source: String, value: consuming SecretBytes, for stack: String = "",
        identity: VersionIdentity = .random()
    ) {
        steps.append(.create(name: name, labels: labels, source: source, value: Value(value), stack: stack, identity: identity))
    }

    /// A new version of a secret. The commit fails where there is no such secret, and, with an
    /// `expectedVersion`, where that isn't the newest version any more.
    ///
    /// - Parameters:
    ///   - event: what the audit log calls it: `updated`, `rotated` or `rolledBack`.
    ///   - stack: the one that it was got for, for the audit log.
    ///   - remark: for the audit log, behind the source.
    ///   - identity: of the version, where something has to name it before the commit.
    public mutating func addVersion(
        of name: String, expectedVersion: Int? = nil, source: String, value: consuming SecretBytes,
        as event: AuditEvent.Kind = .updated, for stack: String = "", remark: String = "", identity: VersionIdentity = .random()
    ) {
        let event = AuditEvent(event, secret: name, stack: stack, detail: remark)
        steps.append(
            .addVersion(
                name: name, expectedVersion: expectedVersion, source: source, value: Value(value), event: event, identity: identity))
    }

    /// Old versions go away. The commit fails where there is no such secret or version, and where one is the newest.
    public mutating func removeVersions(_ numbers: Set<Int>, of name: String) {
        steps.append(.removeVersions(name: name, numbers: numbers))
    }

    /// The store is, or is no longer, the only place of a secret's value.
    public mutating func setSealed(_ isSealed: Bool, of name: String) {
        steps.append(.setSealed(name: name, isSealed: isSealed))
    }

    /// A secret's source was asked for its value, and it is the one that the store has. Of a secret that is gone nothing
    /// is noted.
    public mutating func noteChecked(of name: String) {
        steps.append(.noteChecked(name: name))
    }

    /// A try to get a new value for a secret failed; the next version, or the next `noteChecked`, ends the count. Of a
    /// secret that is gone nothing is noted.
    ///
    /// - Parameter reason: for people; never a value.
    public mutating func noteFailure(of name: String, reason: String) {
        steps.append(.noteFailure(name: name, reason: reason))
    }

    /// Something else for the audit log, such as a grant that these changes record. Alone it is no reason for a commit that
    /// would change nothing else: `SecretStore.audit` is for that.
    public mutating func note(_ event: AuditEvent) {
        steps.append(.note(event))
    }

    /// A secret goes away with all its versions. The commit fails where there is no such secret.
    ///
    /// - Parameter evenIfSealed: whether it may be the only place of its value; otherwise the commit fails then.
    public mutating func removeSecret(_ name: String, evenIfSealed: Bool = false) {
        steps.append(.remove(name: name, evenIfSealed: evenIfSealed))
    }

    /// What `stackRecord` returns from now on for a stack; `SecretStore.recordLimit` bytes at most.
    public mutating func putStackRecord(_ stack: String, _ bytes: [UInt8]) {
        steps.append(.putRecord(stack: stack, bytes: bytes))
    }

    /// A stack's record goes away; one that isn't there is no error.
    public mutating func removeStackRecord(_ stack: String) {
        steps.append(.removeRecord(stack: stack))
    }
}

/// Something that happened to a secret, a grant or the store, for the audit log.
public struct AuditEvent: Sendable, Equatable {
    /// What happened; the raw value is what the log keeps and people see.
    public enum Kind: String, Sendable, CaseIterable {
        case initialised, upgraded, rekeyed
        case slotAdded = "slot added"
        case slotRemoved = "slot removed"
        case locked, unlocked
        case backedUp = "backed up"
        case restored
        /// Somebody has said that an older store, or one with a damaged log, is the one that they want.
        case accepted
        case created, updated, rotated
        case rolledBack = "rolled back"
        case removed, pruned, sealed, unsealed
        /// A stored value left the store: for a service's tmpfs, a person, or a copy.
        case read
        case exported
        case granted, revoked
        /// A try to get a new value that failed.
        case failed
        /// Entries before this one announce a commit that never came about; `detail` says which.
        case abandoned
        /// A kind of a later version.
        case unknown
    }

    public var kind: Kind
    /// The secret's name in the store; empty where it is about none.
    public var secret: String
    /// nil where it is about no version in particular.
    public var version: Int?
    /// The stack's name; empty where none has to do with it.
    public var stack: String
    /// More, for people: a service and target, a source, a reason. Never a value.
    public var detail: String

    public init(_ kind: Kind, secret: String = "", version: Int? = nil, stack: String = "", detail: String = "") {
        self.kind = kind
        self.secret = secret
        self.version = version
        self.stack = stack
        self.detail = detail
    }
}

/// An entry of the audit log.
public struct LogEntry: Sendable, Equatable {
    /// Counted from 1, without a gap.
    public let sequence: UInt64
    /// Milliseconds since the epoch.
    public let time: Int64
    /// The real user id of the process.
    public let uid: UInt32
    /// Who logged in, whatever user the process has become since: `/proc/self/loginuid` (pam_loginuid(8)); nil where nobody did.
    public let loginUID: UInt32?
    public let event: AuditEvent
    /// The commit that it is part of; 0 for an event that is no commit.
    let generation: UInt64
    /// The hash of the entry before.
    let previous: [UInt8]
    /// False where it announces a commit that did not come about.
    public internal(set) var isDone = true

    static let hashCount = 32
    static let noHash = [UInt8](repeating: 0, count: hashCount)
    private static let nobody = UInt32.max
}

extension LogEntry {
    /// The entry as it is sealed, but for its sequence number, which the seal binds.
    var encoded: [UInt8] {
        var bytes = previous
        bytes.append(littleEndian: generation)
        bytes.append(littleEndian: time)
        bytes.append(littleEndian: uid)
        bytes.append(littleEndian: loginUID ?? Self.nobody)
        bytes.append(littleEndian: UInt32(event.version ?? 0))
        for text in [event.kind.rawValue, event.secret, event.stack, event.detail] { bytes.append(text: text.cut(toBytes: 8192)) }
        return bytes
    }

    init?(decoding bytes: [UInt8], sequence: UInt64) {
        let entry: LogEntry? = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let previous = reader.bytes(Self.hashCount), let generation = reader.integer(UInt64.self),
                let time = reader.integer(Int64.self), let uid = reader.integer(UInt32.self),
                let login = reader.integer(UInt32.self), let version = reader.integer(UInt32.self),
                let kind = reader.text(), let secret = reader.text(), let stack = reader.text(), let detail = reader.text(),
                reader.isAtEnd
            else { return nil }
            let event = AuditEvent(
                AuditEvent.Kind(rawValue: kind) ?? .unknown, secret: secret, version: version == 0 ? nil : Int(version),
                stack: stack, detail: detail)
            return LogEntry(
                sequence: sequence, time: time, uid: uid, loginUID: login == Self.nobody ? nil : login, event: event,
                generation: generation, previous: previous)
        }
        guard let entry else { return nil }
        self = entry
    }
}

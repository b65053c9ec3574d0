/// What the store knows of a secret, without any value.
public struct SecretMetadata: Sendable, Equatable {
    let identifier: Identifier
    public let name: String
    public internal(set) var labels: [String: String]
    /// Seconds since the epoch.
    public let createdAt: Int64
    /// Seconds since the epoch of the newest version.
    public internal(set) var updatedAt: Int64
    /// Whether the store is the only place of its value: the file that it came from is gone.
    public internal(set) var isSealed = false
    /// When its source was last asked for its value without a failure, in seconds since the epoch; 0 where it never was
    /// since the newest version.
    public internal(set) var checkedAt: Int64 = 0
    /// The last tries to get a new value, where they failed.
    public internal(set) var failure: Failure?
    /// By number, oldest first; never empty.
    public internal(set) var versions: [SecretVersion]

    /// Tries to rotate or refresh a secret that failed, with none in between that didn't.
    public struct Failure: Sendable, Equatable {
        /// Seconds since the epoch of the last one.
        public let at: Int64
        /// How many there were.
        public let count: Int
        /// What the last one said; never a value.
        public let reason: String
    }

    /// 25 characters of `[a-z0-9]`, as Docker's; it stays the same for all versions.
    public var id: String { identifier.base36 }

    /// What a reader gets who names no version.
    public var newest: SecretVersion { versions[versions.count - 1] }

    /// Where the newest value came from, for people: `file ./db_password.txt`.
    public var source: String { newest.source }

    /// The version of that number, if there is one.
    public func version(_ number: Int) -> SecretVersion? {
        versions.first { $0.number == number }
    }
}

/// One immutable value of a secret, as the index describes it.
public struct SecretVersion: Sendable, Equatable {
    /// Counted from 1. A store that was restored uses those again that came after the backup; ``identity`` is never used twice.
    public let number: Int
    /// Seconds since the epoch.
    public let createdAt: Int64
    /// The user who stored it; nil where a stackup stored it that didn't keep that.
    public let uid: UInt32?
    /// Where the value came from, for people: `file ./db_password.txt`.
    public let source: String
    /// The value's size in bytes.
    public let size: Int
    let digest: Fingerprint
    /// The file that holds the sealed value.
    let object: Identifier

    /// Which version it is, through every rekey and restore.
    public var identity: VersionIdentity { object.versionIdentity }

    /// Equal exactly where the values are equal, within one store and between two rekeys: 16 characters of hexadecimal.
    public var fingerprint: String { digest.description }

    /// The same value in another file, under another data key.
    func stored(as object: Identifier, _ digest: Fingerprint) -> SecretVersion {
        SecretVersion(number: number, createdAt: createdAt, uid: uid, source: source, size: size, digest: digest, object: object)
    }
}

/// What the store knows of a secret, without any value.
public struct SecretMetadata: Sendable, Equatable {
    let identifier: Identifier
    public let name: String
    public internal(set) var labels: [String: String]
    /// Seconds since the epoch.
    public let createdAt: Int64
    /// Seconds since the epoch of the newest version.
    public internal(set) var updatedAt: Int64
    /// Where the newest value came from, for people: `file ./db_password.txt`.
    public internal(set) var source: String
    /// By number, oldest first; never empty.
    public internal(set) var versions: [SecretVersion]

    /// 25 characters of `[a-z0-9]`, as Docker's; it stays the same for all versions.
    public var id: String { identifier.base36 }

    /// What a reader gets who names no version.
    public var newest: SecretVersion { versions[versions.count - 1] }

    /// The version of that number, if there is one.
    public func version(_ number: Int) -> SecretVersion? {
        versions.first { $0.number == number }
    }
}

/// One immutable value of a secret, as the index describes it.
public struct SecretVersion: Sendable, Equatable {
    /// Counted from 1, never used twice.
    public let number: Int
    /// Seconds since the epoch.
    public let createdAt: Int64
    /// The value's size in bytes.
    public let size: Int
    let digest: Fingerprint
    /// The file that holds the sealed value.
    let object: Identifier

    /// Equal exactly where the values are equal, within one store: 16 characters of hexadecimal.
    public var fingerprint: String { digest.description }
}

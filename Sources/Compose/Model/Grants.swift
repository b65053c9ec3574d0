import YAML

/// A service's right to read a secret.
public struct SecretGrant: Sendable, Equatable {
    /// The key under the top-level `secrets`.
    public var secret: String
    /// The absolute path inside the service; `/run/secrets/<secret>` by default.
    public var target: String
    /// nil: the service's user.
    public var uid: UInt32?
    public var gid: UInt32?
    /// Permission bits, 0444 by default.
    public var mode: UInt32
    /// `x-stackup.on-secret-change` of the grant; nil: what the service says.
    public var onSecretChange: SecretChangeReaction?
    public var location: SourceLocation?

    public init(
        secret: String, target: String, uid: UInt32? = nil, gid: UInt32? = nil, mode: UInt32 = 0o444,
        onSecretChange: SecretChangeReaction? = nil, location: SourceLocation? = nil
    ) {
        self.secret = secret
        self.target = target
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.onSecretChange = onSecretChange
        self.location = location
    }
}

/// A config mounted into a service.
public struct ConfigGrant: Sendable, Equatable {
    /// The key under the top-level `configs`.
    public var config: String
    /// The absolute path inside the service; `/<config>` by default.
    public var target: String
    public var uid: UInt32?
    public var gid: UInt32?
    public var mode: UInt32
    public var location: SourceLocation?

    public init(
        config: String, target: String, uid: UInt32? = nil, gid: UInt32? = nil, mode: UInt32 = 0o444,
        location: SourceLocation? = nil
    ) {
        self.config = config
        self.target = target
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.location = location
    }
}

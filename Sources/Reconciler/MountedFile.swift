import Linux

/// One file of a service's tmpfs, without its bytes.
public struct MountedFile: Codable, Sendable, Equatable, Hashable {
    public enum Kind: String, Codable, Sendable {
        case secret, config
    }

    public var kind: Kind
    /// The secret's name in the store, or the config's name.
    public var name: String
    /// The secret's version as text, or the config's content hash: says whether the bytes changed.
    public var version: String
    /// The absolute path inside the service, normalised.
    @Bytewise public var target: String
    public var uid: UInt32
    public var gid: UInt32
    /// Permission bits.
    public var mode: UInt32

    public init(
        kind: Kind, name: String, version: String, target: String, uid: UInt32, gid: UInt32, mode: UInt32
    ) {
        self.kind = kind
        self.name = name
        self.version = version
        self.target = target
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }
}

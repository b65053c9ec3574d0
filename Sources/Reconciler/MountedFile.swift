import Linux
import SecretStore

/// One file of a service's tmpfs, without its bytes.
public struct MountedFile: Sendable, Equatable, Hashable {
    public enum Kind: String, Sendable {
        case secret, config
    }

    public var kind: Kind
    /// The secret's name in the store, or the config's name.
    public var name: String
    /// The number of the secret's version as text, or the config's content hash: says, with ``identity``, whether the bytes changed.
    public var version: String
    /// Which version of that number it is; nil for configs, and for a secret where a stackup recorded it that didn't keep that.
    public var identity: VersionIdentity?
    /// The absolute path inside the service, normalised.
    @Bytewise public var target: String
    public var uid: UInt32
    public var gid: UInt32
    /// Permission bits.
    public var mode: UInt32

    public init(
        kind: Kind, name: String, version: String, identity: VersionIdentity? = nil, target: String, uid: UInt32, gid: UInt32,
        mode: UInt32
    ) {
        self.kind = kind
        self.name = name
        self.version = version
        self.identity = identity
        self.target = target
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }
}

extension MountedFile {
    /// Whether both are of one secret, or of one config.
    func isOfSameSource(as other: MountedFile) -> Bool {
        kind == other.kind && name == other.name
    }

    /// Whether the two, of one secret, are known to hold different versions of it. Where one is recorded without an identity the numbers
    /// have to do: then the file is written again, but nobody is told of a new value that may be none.
    func holdsOtherVersion(than other: MountedFile) -> Bool {
        guard version == other.version, let identity, let others = other.identity else { return version != other.version }
        return identity != others
    }

    /// Why the version that it holds has to make place, for people.
    func heldVersion(besides new: MountedFile) -> String {
        switch identity {
        case _ where version != new.version: "version \(version) is mounted"
        case nil: "which version \(version) is mounted is not known"
        default: "another version \(version) is mounted, which the store has no more"
        }
    }
}

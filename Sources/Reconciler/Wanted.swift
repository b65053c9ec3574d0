import Compose
import Linux
import SecretStore

/// What the Compose files ask for, with everything resolved that is not in the files themselves.
public struct WantedStack: Sendable, Equatable {
    public var name: String
    /// The enabled services, or those that were named and what they depend on.
    public var services: [WantedService]
    /// The secrets that these services are granted.
    public var secrets: [WantedSecret]
    /// Names of every service in the files, enabled or not: whatever else runs is an orphan.
    public var declaredServices: Set<String>
    /// Instances that are to run beside the services' own, once; their names are keys (``OneOff/key(service:slug:)``).
    public var oneOffs: [WantedOneOff] = []

    public init(
        name: String, services: [WantedService], secrets: [WantedSecret], declaredServices: Set<String>
    ) {
        self.name = name
        self.services = services
        self.secrets = secrets
        self.declaredServices = declaredServices
    }
}

/// A one-off instance that is to be there.
public struct WantedOneOff: Sendable, Equatable {
    public var key: String
    public var files: [WantedFile]

    public init(key: String, files: [WantedFile]) {
        self.key = key
        self.files = files
    }
}

/// A service with its host-dependent parts resolved.
public struct WantedService: Sendable, Equatable {
    public var service: Service
    /// Names exactly what would be launched; equal hashes mean that nothing needs a recreation.
    public var configHash: String
    public var files: [WantedFile]

    public init(service: Service, configHash: String, files: [WantedFile]) {
        self.service = service
        self.configHash = configHash
        self.files = files
    }
}

/// A file that a service is to have, before its version is known.
public struct WantedFile: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        /// The secret's name in the store.
        case secret(String)
        /// The config's name and the hash of its content.
        case config(String, hash: String)
    }

    public var content: Content
    @Bytewise public var target: String
    public var uid: UInt32
    public var gid: UInt32
    public var mode: UInt32
    /// What the service wants done when a running instance gets another version of the secret.
    public var onSecretChange: SecretChangeReaction

    public init(
        content: Content, target: String, uid: UInt32, gid: UInt32, mode: UInt32, onSecretChange: SecretChangeReaction = .none
    ) {
        self.content = content
        self.target = target
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.onSecretChange = onSecretChange
    }
}

/// A secret as its source has it now.
public struct WantedSecret: Sendable, Equatable {
    /// Its name in the store.
    public var name: String
    /// For people: `file ./db_password.txt`, `environment DB_PASSWORD`, `external`.
    public var source: String
    /// The keyed fingerprint of the source's value; nil for an external secret, whose value is the store's.
    public var fingerprint: String?
    /// Which version the source's value becomes, where it becomes one.
    public var identity: VersionIdentity

    public init(name: String, source: String, fingerprint: String?, identity: VersionIdentity = .random()) {
        self.name = name
        self.source = source
        self.fingerprint = fingerprint
        self.identity = identity
    }
}

/// What the store knows, without any value.
public struct RecordedState: Sendable, Equatable {
    /// The newest version of each secret, by the secret's name.
    public var secrets: [String: RecordedSecret]
    /// For each service of the stack as last applied, the canonical text of its attributes by name.
    public var services: [String: [String: String]]

    public init(secrets: [String: RecordedSecret] = [:], services: [String: [String: String]] = [:]) {
        self.secrets = secrets
        self.services = services
    }
}

public struct RecordedSecret: Sendable, Equatable {
    public var version: Int
    public var identity: VersionIdentity
    public var fingerprint: String

    public init(version: Int, identity: VersionIdentity, fingerprint: String) {
        self.version = version
        self.identity = identity
        self.fingerprint = fingerprint
    }
}

/// A version of a secret, by what people call it and by what is never used again.
public struct NamedVersion: Sendable, Equatable {
    public var number: Int
    public var identity: VersionIdentity

    public init(_ number: Int, _ identity: VersionIdentity) {
        self.number = number
        self.identity = identity
    }
}

import YAML

/// A top-level secret.
public struct SecretDeclaration: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        /// An absolute path.
        case file(String)
        /// A variable of the caller's environment; `value` is looked up when the secret is read, never kept here.
        case environment(String)
        /// Already in the store.
        case external
        /// Made by what its renewal names; the store has it from the first `up` on.
        case made
        /// A driver's name and options, and the absolute folder that paths in these start from.
        case driver(String, options: [String: String], directory: String)
    }

    public var key: String
    /// Its name in the store: `name:`, otherwise `<project>_<key>`; an external one is `<key>`.
    public var storeName: String
    public var source: Source
    public var labels: [String: String]
    /// How it comes by new values by itself; nil where it doesn't.
    public var renewal: SecretRenewal?
    public var location: SourceLocation?

    public init(
        key: String, storeName: String, source: Source, labels: [String: String] = [:], renewal: SecretRenewal? = nil,
        location: SourceLocation? = nil
    ) {
        self.key = key
        self.storeName = storeName
        self.source = source
        self.labels = labels
        self.renewal = renewal
        self.location = location
    }
}

/// A top-level config.
public struct ConfigDeclaration: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        case file(String)
        case content(String)
        case environment(String)
        case external
    }

    public var key: String
    public var name: String
    public var source: Source
    public var location: SourceLocation?

    public init(key: String, name: String, source: Source, location: SourceLocation? = nil) {
        self.key = key
        self.name = name
        self.source = source
        self.location = location
    }
}

/// A top-level volume.
public struct VolumeDeclaration: Sendable, Equatable {
    public var key: String
    /// `name:`, otherwise `<project>_<key>`.
    public var name: String
    public var external: Bool
    public var labels: [String: String]

    public init(key: String, name: String, external: Bool = false, labels: [String: String] = [:]) {
        self.key = key
        self.name = name
        self.external = external
        self.labels = labels
    }
}

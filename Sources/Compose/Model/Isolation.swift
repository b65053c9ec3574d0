/// Which of its namespaces a service shares, and with whom.
public struct NamespaceOptions: Sendable, Equatable {
    public enum Origin: Sendable, Equatable {
        /// Each instance has one of its own.
        case own
        case host
        /// That of another service's first instance.
        case service(String)
    }

    public var ipc = Origin.own
    /// Whether there is a /dev/shm to write to (`ipc: none` has none).
    public var hasSharedMemory = true
    public var uts = Origin.own
    public var pid = Origin.own
    public var network = Origin.host

    public init() {}
}

/// One entry of `devices`.
public struct DeviceMapping: Sendable, Equatable {
    /// A device of the host, or a folder of devices.
    public var source: String
    public var target: String
    /// Of `r`, `w` and `m`.
    public var permissions: String

    public init(source: String, target: String, permissions: String) {
        self.source = source
        self.target = target
        self.permissions = permissions
    }
}

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

import YAML

/// One service of a stack, resolved: defaults applied, paths absolute, short forms expanded.
public struct Service: Sendable, Equatable {
    public var name: String
    /// Where the service's definition starts, for messages.
    public var location: SourceLocation?
    /// Where its attributes are, for the same.
    public var places = AttributePlaces()
    /// Where `image:` or `build:` stands, when the service has one.
    public var imageLocation: SourceLocation?
    public var image: String?
    public var hasBuild = false
    /// nil where the file has none; an empty list where it says so.
    public var command: [String]?
    public var entrypoint: [String]?
    /// With `env_file` merged in. A key without a value that the caller's environment lacks is absent.
    public var environment: [String: String] = [:]
    public var workingDirectory: String?
    /// `UID|NAME[:GID|GROUP]`, unresolved.
    public var user: String?
    public var hostname: String?
    public var dependsOn: [Dependency] = []
    public var restart = RestartPolicy.no
    /// What `deploy.restart_policy` adds to it.
    public var restartLimits = RestartLimits()
    /// nil where instances are not checked.
    public var healthCheck: HealthCheck?
    /// Run one after the other in each instance that has started.
    public var postStart: [ServiceHook] = []
    /// Run one after the other in each instance before it gets its stop signal.
    public var preStop: [ServiceHook] = []
    /// The signal's name or number as written, `SIGTERM` by default.
    public var stopSignal = "SIGTERM"
    /// 10 s by default.
    public var stopGracePeriod = Duration.seconds(10)
    public var logging = Logging()
    /// What `watch` does when files change; `develop.watch`.
    public var watchRules: [WatchRule] = []
    public var secrets: [SecretGrant] = []
    public var configs: [ConfigGrant] = []
    /// Binds, named volumes and tmpfs mounts; `tmpfs:` entries are included as `.tmpfs`.
    public var mounts: [ServiceMount] = []
    public var readOnly = false
    public var capAdd: [String] = []
    public var capDrop: [String] = []
    public var security = SecurityOptions()
    public var namespaces = NamespaceOptions()
    /// Names and numbers of groups besides the user's own.
    public var groups: [String] = []
    public var isPrivileged = false
    public var devices: [DeviceMapping] = []
    public var deviceRules: [DeviceRule] = []
    public var deviceRequests: [DeviceRequest] = []
    /// Whether its user ids are to be the host's (`userns_mode: host`).
    public var wantsHostUsers = false
    public var ulimits: [Ulimit] = []
    public var controls = ResourceControls()
    /// -1000 to 1000; nil: the caller's.
    public var oomScoreAdjustment: Int?
    /// In bytes; nil: Docker's 64 MiB.
    public var sharedMemorySize: Int64?
    /// Settings of the kernel that an instance has of its own.
    public var kernelSettings: [KernelSetting] = []
    /// Whether it sees its own cgroup as the root of all (`cgroup: private`).
    public var hasPrivateCgroupNamespace = false
    public var labels: [String: String] = [:]
    public var profiles: [String] = []
    /// `deploy.replicas` or `scale`; 1 by default.
    public var replicas = 1
    public var extraHosts: [ExtraHost] = []
    public var containerName: String?
    /// `x-stackup.host-filesystem: writable`.
    public var hostFilesystemWritable = false
    /// `x-stackup.on-secret-change`, for the grants that have none of their own.
    public var onSecretChange = SecretChangeReaction.none
    /// The canonical JSON text of every attribute that needs a recreation when it changes, by its name
    /// (all but grants, replicas, dependencies and profiles). A plan names the ones that differ. Empty where the project is
    /// loaded to be printed.
    public var attributes: [String: String] = [:]

    /// Whether it runs a program of an image instead of the host's.
    public var needsImage: Bool { image != nil || hasBuild }

    public init(name: String) {
        self.name = name
    }

    /// What it wants done when the secret of one of its grants changes.
    public func reaction(to grant: SecretGrant) -> SecretChangeReaction {
        grant.onSecretChange ?? onSecretChange
    }
}

/// One entry of `depends_on`.
public struct Dependency: Sendable, Equatable {
    public enum Condition: String, Sendable {
        case started = "service_started"
        case healthy = "service_healthy"
        case completedSuccessfully = "service_completed_successfully"
    }

    public var service: String
    public var condition: Condition
    /// Whether this service restarts when the other one is recreated.
    public var restart: Bool
    /// Whether a missing or disabled service is an error.
    public var required: Bool

    public init(_ service: String, condition: Condition = .started, restart: Bool = false, required: Bool = true) {
        self.service = service
        self.condition = condition
        self.restart = restart
        self.required = required
    }
}

public enum RestartPolicy: Sendable, Equatable {
    case no
    case always
    case unlessStopped
    /// nil: as often as it takes.
    case onFailure(maximumRetries: Int?)
}

/// One entry of `ulimits`; -1 is unlimited.
public struct Ulimit: Sendable, Equatable {
    public var name: String
    public var soft: Int64
    public var hard: Int64

    public init(name: String, soft: Int64, hard: Int64) {
        self.name = name
        self.soft = soft
        self.hard = hard
    }
}

/// One line for the service's `/etc/hosts`.
public struct ExtraHost: Sendable, Equatable {
    public var name: String
    public var address: String

    public init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// A mount of a service; sources are absolute.
public enum ServiceMount: Sendable, Equatable {
    /// `createHostPath` as in `bind.create_host_path`.
    case bind(source: String, target: String, readOnly: Bool, createHostPath: Bool)
    /// `volume` is a key of the top-level `volumes`, or nil for an anonymous volume.
    case volume(volume: String?, target: String, readOnly: Bool)
    /// `size` in bytes, `mode` as permission bits.
    case tmpfs(target: String, readOnly: Bool, size: Int64?, mode: UInt32?, options: [String])

    public var target: String {
        switch self {
        case .bind(_, let target, _, _), .volume(_, let target, _), .tmpfs(let target, _, _, _, _): target
        }
    }
}

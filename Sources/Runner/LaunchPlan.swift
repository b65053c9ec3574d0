import Linux
import Reconciler

/// Everything needed to start the instances of one service, as a plain value.
///
/// The runner works from this and knows nothing of Compose; where a field has a unit or a
/// format it is the kernel's, not the file's.
public struct LaunchPlan: Sendable, Equatable {
    public var service: String
    /// How many instances run.
    public var replicas: Int
    /// Names what was launched: an instance with another hash is recreated.
    public var configHash: String
    /// The command and its arguments; the first is looked up in the environment's `PATH`.
    @Bytewise public var arguments: [String]
    /// `NAME=value`, complete: nothing of the caller's environment is added.
    @Bytewise public var environment: [String]
    @Bytewise public var workingDirectory: String
    public var user: UserIdentity
    /// nil: `<service>-<index>`.
    @Bytewise public var hostname: String?
    /// Lines for `/etc/hosts` after the host's own; they come before ``StackSurroundings/serviceNames``.
    public var hosts: [HostEntry]
    /// The bounding set, and what root holds.
    public var capabilities: CapabilitySet
    /// nil: the usual one for ``capabilities``.
    public var filter: SystemCallFilter?
    public var limits: [ResourceLimit]
    /// nil: instances have no cgroup of their own.
    public var controls: ResourceControls?
    /// Of the service's processes (proc(5)); nil: the caller's.
    public var oomScoreAdjustment: Int32?
    /// Bytes of /dev/shm; nil: 64 MiB.
    public var sharedMemorySize: Int64?
    /// nil: none.
    public var namespaceSettings: [NamespaceSetting]?
    /// Whether the instance's own cgroup is the root of all that it sees; nil: no.
    public var hasPrivateCgroupNamespace: Bool?
    /// nil: those that every instance has.
    public var namespaces: NamespacePlan?
    /// Whether it has the host's devices, and /proc and /sys without covers; nil: no.
    public var isPrivileged: Bool?
    /// In any order; the launcher sorts by target.
    public var mounts: [MountPlan]
    /// Whether the host's filesystem outside `mounts` is writable.
    public var hostFilesystemWritable: Bool
    /// What the service's tmpfs holds; the bytes travel apart from this plan.
    public var files: [MountedFile]
    public var restart: Restart
    /// nil: Docker's back-off, and as many attempts as ``restart`` has.
    public var restartLimits: RestartLimits?
    /// nil: files of the usual size.
    public var logging: LogPlan?
    /// What has to be there before an instance starts; stopping goes the other way.
    public var dependencies: [Dependency]
    /// nil: instances are not checked.
    public var healthCheck: HealthCheck?
    /// Run one after the other in each instance that has started; nil: none.
    public var postStart: [InstanceCommand]?
    /// Run one after the other in each instance before it gets its stop signal; nil: none.
    public var preStop: [InstanceCommand]?
    public var stopSignal: Int32
    public var stopGraceMilliseconds: Int64
    /// nil for the plan of a service's own instances.
    public var oneOff: OneOff?

    public init(
        service: String, replicas: Int = 1, configHash: String = "", arguments: [String],
        environment: [String] = [], workingDirectory: String = "/", user: UserIdentity = .root,
        hostname: String? = nil, hosts: [HostEntry] = [], capabilities: CapabilitySet = [],
        limits: [ResourceLimit] = [], mounts: [MountPlan] = [], hostFilesystemWritable: Bool = false,
        files: [MountedFile] = [], restart: Restart = .no, dependencies: [Dependency] = [],
        stopSignal: Int32 = 15, stopGraceMilliseconds: Int64 = 10_000
    ) {
        self.service = service
        self.replicas = replicas
        self.configHash = configHash
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.hostname = hostname
        self.hosts = hosts
        self.capabilities = capabilities
        self.limits = limits
        self.mounts = mounts
        self.hostFilesystemWritable = hostFilesystemWritable
        self.files = files
        self.restart = restart
        self.dependencies = dependencies
        self.stopSignal = stopSignal
        self.stopGraceMilliseconds = stopGraceMilliseconds
    }
}

/// Who a process runs as.
public struct UserIdentity: Sendable, Equatable {
    public var uid: UInt32
    public var gid: UInt32
    public var groups: [UInt32]
    /// Whether it has the supplementary groups of whoever starts it, which are the host's, and so no others: in a user namespace they have no
    /// numbers. Where that maps one group only, it is so for everybody.
    public var keepsGroups = false

    public init(uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    public static let root = UserIdentity(uid: 0, gid: 0)
}

/// One line of hosts(5).
public struct HostEntry: Sendable, Equatable {
    @Bytewise public var address: String
    @Bytewise public var name: String

    public init(address: String, name: String) {
        self.address = address
        self.name = name
    }
}

/// One setrlimit(2); `UInt64.max` is unlimited.
public struct ResourceLimit: Sendable, Equatable {
    /// `RLIMIT_*`.
    public var resource: Int32
    public var soft: UInt64
    public var hard: UInt64

    public init(resource: Int32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}

/// One mount of an instance.
public enum MountPlan: Sendable, Equatable {
    /// An existing host path, file or directory, seen at `target`; a real path, since a link that a service laid on the way
    /// would have something else mounted.
    case bind(source: String, target: String, readOnly: Bool)
    /// `size` in bytes (nil: the kernel's default); `mode` as permission bits; `executable` lifts noexec.
    case tmpfs(target: String, readOnly: Bool, size: Int64?, mode: UInt32, uid: UInt32, gid: UInt32, executable: Bool)

    public var target: String {
        switch self {
        case .bind(_, let target, _), .tmpfs(let target, _, _, _, _, _, _): target
        }
    }

    /// Paths are equal where their bytes are.
    public static func == (left: MountPlan, right: MountPlan) -> Bool {
        switch (left, right) {
        case (.bind(let source, let target, let readOnly), .bind(let otherSource, let otherTarget, let otherReadOnly)):
            source.hasSameBytes(as: otherSource) && target.hasSameBytes(as: otherTarget) && readOnly == otherReadOnly
        case (
            .tmpfs(let target, let readOnly, let size, let mode, let uid, let gid, let executable),
            .tmpfs(let otherTarget, let otherReadOnly, let otherSize, let otherMode, let otherUID, let otherGID, let otherExecutable)
        ):
            target.hasSameBytes(as: otherTarget) && readOnly == otherReadOnly && size == otherSize && mode == otherMode
                && uid == otherUID && gid == otherGID && executable == otherExecutable
        default: false
        }
    }
}

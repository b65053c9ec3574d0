import Linux

/// When an instance that exited is started again.
public enum Restart: Sendable, Equatable {
    case no
    case always
    case unlessStopped
    case onFailure(maximumRetries: Int?)
}

/// What bounds the starts of a restart policy.
public struct RestartLimits: Codable, Sendable, Equatable {
    /// The pause before each start; nil: Docker's back-off.
    public var delayMilliseconds: Int64?
    /// nil: as often as it takes.
    public var maximumAttempts: Int?
    /// An instance that ran for so long begins its attempts anew; nil: never.
    public var windowMilliseconds: Int64?

    public init(delayMilliseconds: Int64? = nil, maximumAttempts: Int? = nil, windowMilliseconds: Int64? = nil) {
        self.delayMilliseconds = delayMilliseconds
        self.maximumAttempts = maximumAttempts
        self.windowMilliseconds = windowMilliseconds
    }
}

/// Another service that has to have come so far before a service starts.
public struct Dependency: Sendable, Equatable {
    public enum Condition: String, Sendable {
        case started
        case healthy
        /// Every instance has exited with 0.
        case completed
    }

    public var service: String
    public var condition: Condition
    /// Whether the service is not to start where this one fails.
    public var isRequired: Bool
    /// Whether a restart of this one by a person restarts the service, too.
    public var restarts: Bool

    public init(_ service: String, _ condition: Condition = .started, isRequired: Bool = true, restarts: Bool = false) {
        self.service = service
        self.condition = condition
        self.isRequired = isRequired
        self.restarts = restarts
    }
}

/// How an instance is asked whether it does its work: by a command that runs in it as the service does.
public struct HealthCheck: Codable, Sendable, Equatable {
    @Bytewise public var arguments: [String]
    /// From the end of one check to the start of the next.
    public var intervalMilliseconds: Int64
    /// A check that takes longer is killed, and has failed.
    public var timeoutMilliseconds: Int64
    /// So many failures in a row make the instance unhealthy.
    public var retries: Int
    /// Failures in this time after a start don't count, until a check succeeds.
    public var startPeriodMilliseconds: Int64
    /// The interval in that time, until a check succeeds.
    public var startIntervalMilliseconds: Int64

    public init(
        arguments: [String], intervalMilliseconds: Int64 = 30_000, timeoutMilliseconds: Int64 = 30_000, retries: Int = 3,
        startPeriodMilliseconds: Int64 = 0, startIntervalMilliseconds: Int64 = 5_000
    ) {
        self.arguments = arguments
        self.intervalMilliseconds = intervalMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.retries = retries
        self.startPeriodMilliseconds = startPeriodMilliseconds
        self.startIntervalMilliseconds = startIntervalMilliseconds
    }
}

/// A further command in a running instance.
public struct InstanceCommand: Codable, Sendable, Equatable {
    @Bytewise public var arguments: [String]
    /// Complete, as ``LaunchPlan/environment``.
    @Bytewise public var environment: [String]
    @Bytewise public var workingDirectory: String
    public var user: UserIdentity
    public var capabilities: CapabilitySet
    /// As ``LaunchPlan/filter``.
    public var filter: SystemCallFilter?
    public var limits: [ResourceLimit]
    /// As ``LaunchPlan/oomScoreAdjustment``.
    public var oomScoreAdjustment: Int32?
    /// As ``LaunchPlan/namespaces``.
    public var namespaces: NamespacePlan?
    /// As ``LaunchPlan/hasPrivateCgroupNamespace``.
    public var hasPrivateCgroupNamespace: Bool?

    public init(
        arguments: [String], environment: [String], workingDirectory: String, user: UserIdentity, capabilities: CapabilitySet,
        limits: [ResourceLimit]
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.capabilities = capabilities
        self.limits = limits
    }
}

extension LaunchPlan {
    /// A command with what the service itself has.
    public func command(_ arguments: [String]) -> InstanceCommand {
        var command = InstanceCommand(
            arguments: arguments, environment: environment, workingDirectory: workingDirectory, user: user, capabilities: capabilities,
            limits: limits)
        command.filter = filter
        command.namespaces = namespaces
        command.hasPrivateCgroupNamespace = hasPrivateCgroupNamespace
        command.oomScoreAdjustment = oomScoreAdjustment
        return command
    }

    /// The host name of an instance.
    public func hostname(ofInstance index: Int) -> String { hostname ?? "\(service)-\(index)" }

    /// An environment as an instance's processes have it.
    public func completed(_ environment: [String], inInstance index: Int) -> [String] {
        environment.contains { $0.hasPrefix("HOSTNAME=") } ? environment : environment + ["HOSTNAME=\(hostname(ofInstance: index))"]
    }
}

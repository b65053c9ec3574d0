/// How a running instance is asked whether it does its work.
///
/// Source: the Compose specification, "healthcheck"; the values where nothing is written are Docker's.
public struct HealthCheck: Sendable, Equatable {
    /// The command and its arguments; `CMD-SHELL` has become `/bin/sh -c`.
    public var command: [String]
    /// From the end of one check to the start of the next.
    public var interval = Duration.seconds(30)
    /// A check that takes longer has failed.
    public var timeout = Duration.seconds(30)
    /// So many failures in a row make an instance unhealthy.
    public var retries = 3
    /// Failures in this time after a start don't count, until a check succeeds.
    public var startPeriod = Duration.zero
    /// The interval within `startPeriod`, until a check succeeds.
    public var startInterval = Duration.seconds(5)

    public init(command: [String]) {
        self.command = command
    }
}

/// A command that runs in an instance after its start or before its stop.
///
/// Source: the Compose specification, "post_start" and "pre_stop".
public struct ServiceHook: Sendable, Equatable {
    public var command: [String]
    /// As ``Service/user``; nil: the service's.
    public var user: String?
    /// Whether it has every capability that stackup can give.
    public var isPrivileged = false
    /// nil: the service's.
    public var workingDirectory: String?
    /// Added to the service's.
    public var environment: [String: String] = [:]

    public init(command: [String]) {
        self.command = command
    }
}

/// What `deploy.restart_policy` says beyond ``RestartPolicy``.
public struct RestartLimits: Sendable, Equatable {
    /// The pause before each start; nil: Docker's back-off.
    public var delay: Duration?
    /// How often it is started again, where `restart` has no number of its own; nil: as often as it takes.
    public var maximumAttempts: Int?
    /// An instance that has run for so long counts as started, and its attempts begin anew; nil: they never do.
    public var window: Duration?

    public init(delay: Duration? = nil, maximumAttempts: Int? = nil, window: Duration? = nil) {
        self.delay = delay
        self.maximumAttempts = maximumAttempts
        self.window = window
    }
}

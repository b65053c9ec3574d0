import Linux

/// What runs of a stack right now, as its supervisor reports it.
public struct ObservedState: Sendable, Equatable {
    /// nil where no supervisor runs.
    public var supervisorPID: Int32?
    /// Whether the supervisor was told to end, and stops the stack before it does: it takes no other work any more; nil: no.
    public var isSupervisorEnding: Bool?
    public var instances: [ObservedInstance]
    /// One per service that has a secret mount.
    public var mounts: [ObservedMount]
    /// The files that the running instances' masks were last laid on.
    public var maskedFiles: [MaskedFile]
    /// Secrets that get new values by themselves; nil where there are none.
    public var schedule: ObservedSchedule?

    public init(
        supervisorPID: Int32? = nil, instances: [ObservedInstance] = [], mounts: [ObservedMount] = [],
        maskedFiles: [MaskedFile] = [], schedule: ObservedSchedule? = nil
    ) {
        self.supervisorPID = supervisorPID
        self.instances = instances
        self.mounts = mounts
        self.maskedFiles = maskedFiles
        self.schedule = schedule
    }
}

/// One running, or once running, copy of a service.
public struct ObservedInstance: Sendable, Equatable {
    public enum Status: String, Sendable {
        /// Waits for the services it depends on.
        case created
        case running
        /// Has exited and waits for its next start.
        case restarting
        /// Its processes are being ended.
        case stopping
        case exited
    }

    public var service: String
    /// Counted from 1.
    public var index: Int
    public var status: Status
    /// The instance's pid 1 as the host sees it, while it runs.
    public var pid: Int32?
    /// Field 22 of `/proc/PID/stat`, in clock ticks since boot: with the pid it names one process for ever.
    public var startTime: UInt64?
    /// Seconds since the epoch.
    public var createdAt: Int64
    /// Seconds since the epoch of the last start.
    public var startedAt: Int64?
    /// Seconds since the epoch of the last exit.
    public var finishedAt: Int64?
    /// As a shell has it: 128 + signal for a death by signal.
    public var exitCode: Int32?
    /// How often the restart policy has started it again.
    public var restarts: Int
    /// Stopped by a person, so that a restart policy leaves it alone.
    public var stoppedByUser: Bool
    /// `LaunchPlan.configHash` of what was launched.
    public var configHash: String
    /// The command line, for `ps`.
    public var command: [String]
    /// Why the last start failed, if it did.
    public var failure: String?
    /// nil where it is not checked, or does not run.
    public var health: ObservedHealth?
    /// The folders of its control group; nil where it has none.
    public var groups: [String]?
    /// Whether its processes are frozen; nil: no.
    public var isPaused: Bool?
    /// Whether the kernel has killed a process of it for want of memory since its last start; nil: no.
    public var ranOutOfMemory: Bool?
    /// Whether it has been asked to end and has not yet, be it that it still waits for those that depend on it; nil: no.
    public var isEnding: Bool?
    /// Whether it was stopped before the host was started, and so is left alone: others don't wait for it; nil: no.
    public var isHeld: Bool?
    /// Whether its restart policy starts it again once its launch plan and its files are there, which went with an earlier supervisor; nil: no.
    public var awaitsMeans: Bool?
    /// nil for a service's own instance.
    public var oneOff: OneOff?

    public init(
        service: String, index: Int, status: Status, pid: Int32? = nil, startTime: UInt64? = nil,
        createdAt: Int64 = 0, startedAt: Int64? = nil, finishedAt: Int64? = nil, exitCode: Int32? = nil,
        restarts: Int = 0, stoppedByUser: Bool = false, configHash: String = "", command: [String] = [],
        failure: String? = nil, health: ObservedHealth? = nil
    ) {
        self.service = service
        self.index = index
        self.status = status
        self.pid = pid
        self.startTime = startTime
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitCode = exitCode
        self.restarts = restarts
        self.stoppedByUser = stoppedByUser
        self.configHash = configHash
        self.command = command
        self.failure = failure
        self.health = health
    }
}

extension ObservedInstance {
    /// Whether it was given up before its first start, as where what it depends on has failed.
    public var wasNeverStarted: Bool { status == .exited && startedAt == nil && exitCode == nil }

    /// What its last end left, -1 where nobody knows, as after the death of its pid 1 while no supervisor ran; nil where it has not ended.
    public var endStatus: Int32? {
        if let exitCode { return exitCode }
        switch status {
        case .exited, .restarting: return wasNeverStarted ? nil : -1
        case .created, .running, .stopping: return nil
        }
    }
}

/// What a service's secret mount holds now.
public struct ObservedMount: Sendable, Equatable {
    public var service: String
    public var files: [MountedFile]

    public init(service: String, files: [MountedFile]) {
        self.service = service
        self.files = files
    }
}

/// A file of the host that is kept from the instances.
public struct MaskedFile: Sendable, Hashable {
    /// Absolute.
    @Bytewise public var path: String
    /// Tells the file from another one that takes its place later, when its mask has gone with it.
    public var identity: String

    public init(path: String, identity: String) {
        self.path = path
        self.identity = identity
    }
}

import Reconciler

/// One copy of a service as the supervisor keeps it.
final class Instance {
    /// Where its processes are.
    enum Phase: Equatable {
        /// Not there; to be started when what it depends on has.
        case waiting
        /// Its pid 1 is there, its command not yet.
        case starting
        case running
        /// It was told to end.
        case stopping
        /// It ended by itself and waits for its restart policy.
        case backingOff
        case exited
    }

    /// What was asked for and is not there yet.
    enum Intent: Equatable {
        case start
        case stop(byUser: Bool)
        case remove
        /// Stop, then start with the newest plan.
        case cycle

        /// Whether the processes that are there have to end for it.
        var endsProcesses: Bool { self != .start }

        /// Whether nothing comes after that end.
        var isEnd: Bool { self != .start && self != .cycle }
    }

    let name: InstanceName
    var phase = Phase.waiting {
        didSet { if phase != oldValue { generation += 1 } }
    }
    /// Counts the changes of phase: a deadline that was set in an earlier one means nothing any more.
    private(set) var generation: UInt64 = 0
    var intent: Intent?
    var process: ProcessIdentity?
    var createdAt: Int64
    var startedAt: Int64?
    var finishedAt: Int64?
    /// In milliseconds of the monotonic clock.
    var lastStart: Int64 = 0
    var exitCode: Int32?
    var restarts = 0
    var stoppedByUser = false
    /// Was sent SIGKILL since it was launched, all of it: then nobody is left to say what it ended with.
    var wasKilled = false
    /// Was stopped before the host was started, and so is left alone: others don't wait for it.
    var isHeld = false
    var configHash = ""
    var command: [String] = []
    var failure: String?
    var backoff = RestartBackoff()
    /// Starts by the restart policy that count towards its maximum.
    var attempts = 0
    /// Whether a start waits for more than that what it depends on has been started.
    var waitsForConditions = false
    /// What it was last said to wait for.
    var announcedWait: String?
    /// nil where it is not checked.
    var health: HealthMonitor?
    /// What a predecessor knew of its health, until the plan is there that it is checked by.
    var adoptedHealth: ObservedHealth?
    /// Hooks that are to run one after the other.
    var hooks: HookSequence?
    /// In milliseconds, for the stop that is asked for now; nil: the service's own.
    var grace: Int64?
    /// When it is killed if it is stopping still, in milliseconds of the monotonic clock.
    var stopDeadline: Int64 = .max
    /// Masked paths that got another file while it was starting, when nothing can be laid in it yet.
    var uncovered: [String] = []
    /// Its restart policy starts it again once its plan is known and its files are in place: after an adoption neither may be so.
    var awaitsMeans = false
    /// Whether its processes are frozen.
    var isPaused = false
    /// Processes that the kernel has killed for want of memory since the last start.
    var outOfMemoryKills: Int64 = 0
    /// Who waits for a one-off, until it is launched.
    var caller: InstanceCaller?
    /// Is to be restarted because its files changed, and has not been launched since.
    var isRestartOwed = false

    init(name: InstanceName, createdAt: Int64) {
        self.name = name
        self.createdAt = createdAt
    }

    /// Whether there are processes.
    var isAlive: Bool {
        switch phase {
        case .starting, .running, .stopping: true
        case .waiting, .backingOff, .exited: false
        }
    }

    var observed: ObservedInstance {
        let status: ObservedInstance.Status = switch phase {
        case .waiting, .starting: .created
        case .running: .running
        case .stopping: .stopping
        case .backingOff: .restarting
        case .exited: .exited
        }
        var observed = ObservedInstance(
            service: name.service, index: name.index, status: status, pid: isAlive ? process?.pid : nil,
            startTime: isAlive ? process?.startTime : nil, createdAt: createdAt, startedAt: startedAt,
            finishedAt: finishedAt, exitCode: exitCode, restarts: restarts, stoppedByUser: stoppedByUser,
            configHash: configHash, command: command, failure: failure, health: isAlive ? health?.health ?? adoptedHealth : nil)
        if isPaused { observed.isPaused = true }
        if outOfMemoryKills > 0 { observed.ranOutOfMemory = true }
        if isAlive, intent?.isEnd == true { observed.isEnding = true }
        if isHeld { observed.isHeld = true }
        if awaitsMeans || isRestartOwed && !isAlive && intent == nil { observed.awaitsMeans = true }
        return observed
    }
}

/// What the supervisor knows of a service.
struct SupervisedService {
    /// Everything needed to launch it; nil after an adoption, until a command provides it.
    var plan: LaunchPlan?
    /// What is needed to end it in good order, kept on disk for a successor.
    var traits: ServiceTraits
}

/// The part of a launch plan that holds nothing worth protecting and is needed without the rest.
struct ServiceTraits: Equatable, Sendable {
    var dependencies: [String] = []
    var restart = Restart.no
    var restartLimits: RestartLimits?
    var logging: LogPlan?
    var stopSignal: Int32 = 15
    var stopGraceMilliseconds: Int64 = 10_000
    var oneOff: OneOff?
    /// A one-off's: no command will send its plan again, and what is masked has to be masked where these show it, too.
    var mounts: [MountPlan]?
    /// nil: no.
    var hasPreStopHooks: Bool?

    init() {}

    init(_ plan: LaunchPlan) {
        dependencies = plan.dependencies.map(\.service)
        restart = plan.restart
        restartLimits = plan.restartLimits
        logging = plan.logging
        stopSignal = plan.stopSignal
        stopGraceMilliseconds = plan.stopGraceMilliseconds
        oneOff = plan.oneOff
        mounts = plan.oneOff.map { _ in plan.mounts }
        hasPreStopHooks = plan.preStop?.isEmpty == false ? true : nil
    }
}

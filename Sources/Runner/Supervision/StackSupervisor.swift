import Reconciler

/// Decides what happens to the instances of one stack, and when.
///
/// It works by levels, not by scripts: every instance has a phase (what is) and perhaps an intent (what was asked
/// for), and ``settle()`` takes each step that its dependencies allow by now. Whatever happens in between, an
/// exit, a failed start, a person's `kill`, only changes what the next pass sees.
///
/// It does no I/O of its own: see ``InstanceHost``. Times are handed in, so that its tests need not wait.
final class StackSupervisor {
    /// One request that takes a while, and who waits for it.
    final class Job {
        let request: ControlRequest
        var payload: LockedBuffer?
        /// nil as soon as they are taken.
        var descriptors: PassedDescriptors?
        var failures: [String] = []
        let onEvent: (InstanceEvent) -> Void
        let onFinish: (ControlReply) -> Void

        init(
            _ request: ControlRequest, payload: LockedBuffer? = nil, descriptors: PassedDescriptors? = nil, onEvent: @escaping (InstanceEvent) -> Void = { _ in },
            onFinish: @escaping (ControlReply) -> Void
        ) {
            self.request = request
            self.payload = payload
            self.descriptors = descriptors
            self.onEvent = onEvent
            self.onFinish = onFinish
        }
    }

    enum Deadline {
        /// The grace period of a stop is over.
        case grace(Instance, generation: UInt64)
        case restart(Instance, generation: UInt64)
        /// The next health check.
        case check(Instance, generation: UInt64)
        /// A health check may have had its time: there is one of these for each instance, however many checks come and go meanwhile.
        case checkTimeout(Instance, generation: UInt64)
    }

    let host: any InstanceHost
    /// Milliseconds of the monotonic clock.
    let now: () -> Int64
    /// Seconds since the epoch.
    let wallClock: () -> Int64
    /// By both clocks.
    let moment: () -> RenewalClock.Moment
    /// Hears every event of an instance.
    var onEvent: (InstanceEvent) -> Void = { _ in }
    /// Hears of each signal that an instance gets to end it: who asked for its end need not, who looks on may want to.
    var onEndingSignal: (InstanceEvent) -> Void = { _ in }
    /// Hears every event of a secret.
    var onSecretEvent: (SecretEvent) -> Void = { _ in }
    /// Called when a `down` of the whole stack has ended everything, before it is answered.
    var onDown: () -> Void = {}
    /// Whether the last of the stack was a one-off that nobody waited for: nobody comes to take the stack down.
    var isLeftEmpty = false
    /// Called when a record has to be written before the work goes on.
    var onOwed: () -> Void = {}

    var instances = InstanceTable()
    var services: [String: SupervisedService] = [:] {
        didSet { closures = nil }
    }
    var deadlines = DeadlineQueue<Deadline>()
    /// By number.
    var commands: [UInt64: RunningCommand] = [:]
    var lastCommand: UInt64 = 0
    var surroundings = StackSurroundings()
    /// By path: which file it was when masks were last laid.
    var maskedFiles: [String: String] = [:]
    /// Signals and restarts that follow once every file of the deployment under way is in place.
    var owedReactions: [OwedReaction] = []
    /// When secrets get new values.
    var renewals = RenewalClock()
    /// Whether somebody gets those.
    var attendance = RenewalAttendance.none
    /// Instances that have an intent.
    var pending: [Instance] = []
    private(set) var current: Job?
    private var queue: [Job] = []
    /// Services that have lost an instance since mounts were last looked at.
    var vacated = Set<String>()
    /// Services without instances: forgotten once all is done, for the order of the others may hang on them.
    var emptied = Set<String>()
    /// Instances that the `down` of the whole stack under way has removed, and of which something is kept until all goes.
    var removedWithStack: [InstanceName] = []
    /// What each service depends on, directly or not; those that depend on nothing are left out.
    private var closures: [String: Set<String>]?
    /// See ``StoppedServices``.
    var stoppedServices = Set<String>()
    var isSettling = false
    /// Whether somebody calls ``settleIfDue()`` after each batch of events.
    var settlesAfterEvents = false
    var isSettlingDue = false
    /// It takes no more jobs.
    private var isEnding = false
    /// What the record does not say yet.
    private(set) var unsaved = Unsaved.nothing
    /// Tells whether there has been another change.
    private(set) var changes: UInt64 = 0

    /// How soon the record has to say it.
    enum Unsaved: Comparable {
        case nothing
        /// A successor goes by what is there already.
        case late
        case soon
        /// A successor would end a process that it doesn't know of. But that sets itself up on the same CPU, maybe, and comes first: nobody is told of its
        /// start before it is recorded.
        case launched
        case urgent
    }

    init(
        host: any InstanceHost, now: @escaping () -> Int64, wallClock: @escaping () -> Int64,
        moment: @escaping () -> RenewalClock.Moment
    ) {
        self.host = host
        self.now = now
        self.wallClock = wallClock
        self.moment = moment
    }

    // MARK: Looking

    func observe(supervisorPID: Int32) -> ObservedState {
        var state = ObservedState(
            supervisorPID: supervisorPID,
            instances: instances.sorted.map(observed),
            mounts: observedMounts,
            maskedFiles: maskedFiles.sorted { $0.key < $1.key }.map { MaskedFile(path: $0.key, identity: $0.value) },
            schedule: renewals.observed(isAttended: attendance != .none))
        if isEnding { state.isSupervisorEnding = true }
        return state
    }

    var observedServices: ObservedServices {
        ObservedServices(
            inhabited: instances.services.sorted(), mounts: observedMounts, isSupervisorEnding: isEnding ? true : nil)
    }

    /// By service.
    private var observedMounts: [ObservedMount] {
        services.keys.sorted().compactMap { service in
            host.mountedFiles(of: service).map { ObservedMount(service: service, files: $0) }
        }
    }

    func observed(_ instance: Instance) -> ObservedInstance {
        var observed = instance.observed
        if instance.isAlive { observed.groups = host.groups(of: instance.name) }
        // What has not been launched has only its plan.
        if observed.command.isEmpty { observed.command = services[instance.name.service]?.plan?.arguments ?? [] }
        observed.oneOff = services[instance.name.service]?.traits.oneOff
        return observed
    }

    func livePIDs(of service: String, but ending: Set<InstanceName> = []) -> [Int32] {
        instances.of(service).compactMap { $0.isAlive && !ending.contains($0.name) ? $0.process?.pid : nil }
    }

    /// - Parameter index: nil: of every instance.
    func event(_ kind: InstanceEvent.Kind, _ service: String, _ index: Int? = nil) -> InstanceEvent {
        InstanceEvent(service: service, index: index, kind: kind, oneOff: services[service]?.traits.oneOff?.name)
    }

    /// An instance as people know it: `web-1`, and a one-off by its own name.
    func shownName(_ name: InstanceName) -> String { services[name.service]?.traits.oneOff?.name ?? "\(name)" }

    func emit(_ kind: InstanceEvent.Kind, _ name: InstanceName) {
        emit(event(kind, name.service, name.index))
    }

    func emit(_ event: InstanceEvent) {
        current?.onEvent(event)
        onEvent(event)
    }

    func changed(_ urgency: Unsaved) {
        unsaved = max(unsaved, urgency)
        changes += 1
    }

    func saved() { unsaved = .nothing }

    // MARK: Jobs

    /// Does the job once those before it are done.
    func submit(_ job: Job) {
        guard !isEnding else { return job.onFinish(.failed(reason: "the supervisor is ending; run the command again")) }
        queue.append(job)
        startNextJob()
    }

    private func startNextJob() {
        while current == nil, !queue.isEmpty {
            let job = queue.removeFirst()
            current = job
            do {
                try begin(job)
            } catch let error as SupervisionError {
                job.failures.append(error.description)
            } catch {
                job.failures.append("\(error)")
            }
            job.payload = nil
            job.descriptors = nil
            settle()
        }
    }

    func finish(_ job: Job) {
        current = nil
        // Who hears that it is done may rely on a successor's knowing of it.
        if unsaved > .late { changed(.urgent) }
        if case .down(services: nil, _) = job.request, job.failures.isEmpty { onDown() } else { forgetRemoved() }
        removedWithStack = []
        job.onFinish(job.failures.isEmpty ? .done : .failed(reason: job.failures.joined(separator: "\n")))
        startNextJob()
    }

    /// Gives an instance something to become; replaces what it was to become before.
    ///
    /// - Parameter waitsForConditions: whether a start waits for more than that what it depends on has been started. What ran until now
    ///   comes back without: it would else stay down because something else is not well.
    func intend(_ intent: Instance.Intent, _ instance: Instance, waitsForConditions: Bool = false) {
        if instance.intent == nil { pending.append(instance) }
        instance.intent = intent
        instance.waitsForConditions = waitsForConditions
        instance.announcedWait = nil
        instance.isRestartOwed = false
    }

    /// Drops the jobs that have not begun and replaces the one that has: everything is to stop.
    func stopEverything(because reason: String) {
        isEnding = true
        forgetRemoved()
        for job in [current].compactMap({ $0 }) + queue { job.onFinish(.failed(reason: reason)) }
        queue = []
        current = nil
        for instance in instances.sorted where instance.isAlive || instance.phase != .exited {
            intend(.stop(byUser: false), instance)
        }
        settle()
    }

    /// The stack does not go as a whole after all.
    private func forgetRemoved() {
        for name in removedWithStack { host.forget(name) }
        removedWithStack = []
    }

    /// Nothing is being started or stopped.
    var isSettled: Bool { pending.isEmpty && current == nil }

    // MARK: Dependencies

    /// The services that have to be up before this one, directly or not. In a circle nobody waits: the
    /// command refuses circles, and whoever sends one anyway must not make the stack hang.
    func dependencies(of service: String) -> Set<String> {
        (closures ?? makeClosures())[service] ?? []
    }

    /// Whether any service depends on another one.
    var hasDependencies: Bool { !(closures ?? makeClosures()).isEmpty }

    /// Whether a service is not to start where the other one fails.
    func requires(_ service: String, _ other: String) -> Bool {
        let before = dependencies(of: service)
        guard before.contains(other) else { return false }
        return (services[service]?.plan?.dependencies ?? []).contains { dependency in
            dependency.isRequired && before.contains(dependency.service)
                && (dependency.service == other || requires(dependency.service, other))
        }
    }

    private func makeClosures() -> [String: Set<String>] {
        var reachable: [String: Set<String>] = [:]
        for (service, supervised) in services where !supervised.traits.dependencies.isEmpty {
            var found = Set<String>()
            var next = supervised.traits.dependencies
            while let dependency = next.popLast() {
                if found.insert(dependency).inserted { next += services[dependency]?.traits.dependencies ?? [] }
            }
            reachable[service] = found
        }
        var result: [String: Set<String>] = [:]
        for (service, found) in reachable {
            result[service] = found.filter { !(reachable[$0]?.contains(service) ?? false) }
        }
        result = result.filter { !$0.value.isEmpty }
        closures = result
        return result
    }
}

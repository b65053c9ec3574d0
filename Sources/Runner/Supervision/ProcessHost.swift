import CLinux
import Glibc
import Linux
import Reconciler

/// Carries out a supervisor's decisions with real processes and mounts.
final class ProcessHost: InstanceHost {
    /// Hears what comes of it.
    weak var supervisor: StackSupervisor?

    private let loop: EventLoop
    private let directory: RuntimeDirectory
    private let logs: PrivateFolder
    private let exits: ExitStatuses
    private let launcher: InstanceLauncher
    private let hostViews: HostViews
    private var mounts: [String: ServiceMount] = [:]
    private var running: [InstanceName: RunningInstance] = [:]
    private var commands: [UInt64: InstanceCommandProcess] = [:]
    private let drain: LogDrain
    private var watcher: PathWatcher?
    private let cgroups: StackCgroups
    private lazy var memoryWatch = OutOfMemoryWatch(loop: loop) { [unowned self] in lookForKills(in: $0) }
    /// As it was before this process raised its own.
    private let openFileLimit: ResourceLimit

    init(loop: EventLoop, directory: RuntimeDirectory, logs: PrivateFolder, initExecutable: String) throws {
        self.loop = loop
        self.directory = directory
        self.logs = logs
        exits = ExitStatuses(directory)
        cgroups = StackCgroups(directory)
        drain = LogDrain(loop)
        openFileLimit = Self.raiseOpenFileLimit()
        mkdirat(directory.number, "staging", 0o700)
        launcher = try InstanceLauncher(initExecutable: initExecutable, stagingDirectory: "\(directory.path)/staging")
        hostViews = HostViews(launcher: launcher, loop: loop)
    }

    /// An instance takes five descriptors or so; the usual limit of 1024 would end a stack at 200 of them.
    private static func raiseOpenFileLimit() -> ResourceLimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let original = ResourceLimit(resource: Int32(RLIMIT_NOFILE.rawValue), soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return original
    }

    // MARK: Instances

    func launch(
        _ plan: LaunchPlan, in surroundings: StackSurroundings, as instance: InstanceName, for caller: InstanceCaller?
    ) throws -> ProcessIdentity {
        var plan = plan
        plan.limits = withOpenFileLimit(plan.limits)
        let exitStatus = try exits.page(for: instance)
        let mount = try self.mount(of: plan.service)
        let view = try hostViews.view(surroundings, writable: plan.hostFilesystemWritable)
        let group = try plan.controls.map { try cgroups.make($0, for: instance) }
        var isLaunched = false
        defer { if !isLaunched { cgroups.remove(instance) } }
        let launched = try launcher.launch(
            plan, index: instance.index, in: view, mount: mount, group: try group?.entrance(), sharing: try namespaces(for: plan), caller: caller,
            exitStatus: exitStatus)
        isLaunched = true
        watchMemory(of: instance)
        let identity = ProcessIdentity(pid: launched.pid, startTime: launched.startTime)
        let hasReport = launched.startReport != nil
        do {
            try watch(launched, as: instance, logging: plan.logging, isAdopted: false)
        } catch {
            // Nobody would notice its end.
            Glibc.kill(identity.pid, SIGKILL)
            throw error
        }
        precondition(hasReport, "a launched instance reports its start")
        return identity
    }

    private func namespaces(for plan: LaunchPlan) throws(LaunchError) -> [SharedNamespaces] {
        var shared: [SharedNamespaces] = []
        for (service, kinds) in plan.namespaces?.shared ?? [] {
            // As long as it is being set up, what of the host it will not see is there.
            guard let other = running[InstanceName(service: service, index: 1)], other.isSetUp else {
                throw LaunchError("'\(service)', whose namespaces it shares, is not running; start that first")
            }
            shared.append(SharedNamespaces(process: other.process, kinds: kinds))
        }
        return shared
    }

    /// What the services get: this process has raised its own.
    private func withOpenFileLimit(_ limits: [ResourceLimit]) -> [ResourceLimit] {
        limits.contains { $0.resource == openFileLimit.resource } ? limits : limits + [openFileLimit]
    }

    func endLaunches() {
        hostViews.endLaunches()
        StandardFilter.keep(in: directory)
    }

    private func watch(
        _ launched: consuming LaunchedInstance, as name: InstanceName, logging: LogPlan?, isAdopted: Bool
    ) throws(SystemCallError) {
        running[name] = try RunningInstance(
            launched, loop: loop,
            log: LogWriter(
                instance: name.description, stack: Paths.lastComponent(of: directory.path), directory: logs.descriptor.number, plan: logging,
                isAdopted: isAdopted),
            onStart: { [unowned self] failure in
                if let failure {
                    supervisor?.startReported(name, failure: failure)
                } else {
                    supervisor?.started(name)
                }
            },
            onEnd: { [unowned self] in ended(name) })
    }

    private func ended(_ name: InstanceName) {
        // Kept alive until its own callback has returned.
        guard let instance = running.removeValue(forKey: name) else { return }
        drain.take(instance.log)
        var code: Int32 = 0
        let status = clinux_reap(instance.pid, &code) == 1 ? code : exits.exitCode(of: name)
        lookForKills(in: name)
        if cgroups.group(of: name) != nil { memoryWatch.forget(name) }
        // Its pid namespace ended all that was in it; one that is shared ended nothing.
        cgroups.group(of: name)?.kill()
        cgroups.remove(name)
        supervisor?.ended(name, code: status)
    }

    // MARK: Control groups

    private func watchMemory(of name: InstanceName) {
        if let group = cgroups.group(of: name) { memoryWatch.watch(group, of: name) }
    }

    private func lookForKills(in name: InstanceName) {
        if let kills = cgroups.group(of: name)?.outOfMemoryKills, kills > 0 { supervisor?.ranOutOfMemory(name, kills: kills) }
    }

    func freeze(_ instance: InstanceName) throws {
        guard let pid = running[instance]?.pid else { throw LaunchError("the instance has just ended") }
        try cgroups.freeze(instance, pid: pid)
    }

    func thaw(_ instance: InstanceName) throws { try cgroups.thaw(instance) }

    func groups(of instance: InstanceName) -> [String]? { cgroups.group(of: instance)?.folders }

    /// Removes the stack's groups: all of it is gone.
    func removeGroups() { cgroups.removeAll() }

    // MARK: Signals and commands

    func signal(_ instance: InstanceName, _ signal: Int32) {
        running[instance]?.signal(signal)
        // v1's frozen processes don't even die.
        if signal == SIGKILL { try? cgroups.thaw(instance) }
    }

    func run(_ command: InstanceCommand, in instance: InstanceName, as id: UInt64) throws {
        guard let running = running[instance] else { throw LaunchError("the instance has just ended") }
        var command = command
        command.limits = withOpenFileLimit(command.limits)
        commands[id] = try running.run(command, in: try cgroups.group(of: instance)?.entrance(), by: launcher) { [unowned self] code, output in
            // Kept alive until its own callback has returned.
            guard let process = commands.removeValue(forKey: id) else { return }
            supervisor?.commandEnded(id, code: code, output: output)
            withExtendedLifetime(process) {}
        }
    }

    func end(command id: UInt64) { commands[id]?.kill() }

    func forget(_ instance: InstanceName) {
        LogFiles.remove(of: instance.description, in: logs.descriptor.number)
        exits.forget(instance)
    }

    // MARK: Mounts

    private func mount(of service: String) throws -> ServiceMount {
        if let mount = mounts[service] { return mount }
        let mount = try launcher.makeMount(for: service)
        mounts[service] = mount
        return mount
    }

    func mountedFiles(of service: String) -> [MountedFile]? { mounts[service]?.files }

    func mountedFile(of service: String, at target: String) -> MountedFile? { mounts[service]?.file(at: target) }

    func write(_ file: MountedFile, bytes: UnsafeRawBufferPointer, of service: String, instances: [Int32]) throws {
        try mount(of: service).write(file, bytes: bytes, inInstances: instances)
    }

    func remove(_ file: MountedFile, of service: String, instances: [Int32]) throws {
        try mounts[service]?.remove(file, inInstances: instances)
    }

    func remask(_ paths: [String], pins: [String], of service: String, instance: Int32) {
        // An instance that ends meanwhile needs no cover.
        try? mounts[service]?.remask(paths, pins: pins, inInstance: instance)
    }

    func withAliases(_ paths: [String]) -> [String] {
        // Instances see no mount of the host's that came after their start, and those before were looked at then.
        (try? MountTable.current().withAliases(paths)) ?? paths
    }

    func watch(_ paths: [String]) {
        // A user may be out of watches (inotify(7)): then masks are laid again by the next `up`, and not before.
        if watcher == nil { watcher = try? PathWatcher(loop: loop) { [unowned self] in supervisor?.replaced($0) } }
        watcher?.watch(paths)
    }

    func releaseMount(of service: String) { mounts[service]?.release() }

    func discardMount(of service: String) {
        let files = mounts.removeValue(forKey: service)?.files
        // What services have, commands say of them. One that was adopted after its end has left no files, and may have had some.
        if OneOff.service(ofKey: service) != nil, files?.contains(where: { $0.kind == .secret }) ?? true { UnloggedSign.leave(in: directory) }
    }

    // MARK: Adoption

    /// Takes over the instances and mounts of a supervisor that is gone.
    ///
    /// - Parameter record: what it left; nil where it was killed before it wrote anything.
    func adopt(_ record: StateRecord?) {
        defer { cgroups.removeStrays() }
        guard let record else { return killStrays() }
        let logging = Dictionary(record.services.map { ($0.name, $0.traits.logging) }, uniquingKeysWith: { $1 })
        var survivors = Set<InstanceName>()
        var process: [String: ProcessIdentity] = [:]
        for observed in record.instances {
            let name = InstanceName(service: observed.service, index: observed.index)
            guard name.isValid, let pid = observed.pid, let startTime = observed.startTime else { continue }
            do {
                guard let launched = try launcher.adopt(pid: pid, startTime: startTime) else { continue }
                try watch(launched, as: name, logging: logging[name.service] ?? nil, isAdopted: true)
            } catch {
                // Alive, but out of reach: without its output and its end it cannot be supervised.
                if ProcessIdentity(pid: pid, startTime: startTime).isAlive { Glibc.kill(pid, SIGKILL) }
                continue
            }
            survivors.insert(name)
            if let groups = observed.groups { cgroups.adopt(groups, for: name) }
            watchMemory(of: name)
            process[observed.service] = ProcessIdentity(pid: pid, startTime: startTime)
        }
        for service in record.services {
            guard let files = service.files, let owner = process[service.name] else { continue }
            mounts[service.name] = try? launcher.adoptMount(service: service.name, files: files, from: owner.pid, startTime: owner.startTime)
        }
        killStrays(besides: survivors)
        exits.forget(besides: Set(record.instances.map { InstanceName(service: $0.service, index: $0.index) }))
        // A predecessor may have been killed after it had removed them, and before the rest of its stack.
        LogFiles.removeAll(besides: Set(record.instances.map { "\($0.service)-\($0.index)" }), in: logs.descriptor.number)
        supervisor?.adopt(record, survivors: survivors, exitCode: exits.exitCode)
    }

    /// Ends instances that a predecessor has started and could not record any more: nobody would ever stop them.
    private func killStrays(besides survivors: Set<InstanceName> = []) {
        let kept = Set(survivors.compactMap { running[$0]?.pid })
        for stray in StrayInstances.find(in: directory) where !kept.contains(stray) { Glibc.kill(stray, SIGKILL) }
    }
}

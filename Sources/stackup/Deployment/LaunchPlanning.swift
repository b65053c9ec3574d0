import Compose
import Glibc
import Linux
import Reconciler
import Runner
import YAML

/// Turns services of the model into launch plans: the one place that knows both Compose and the runner.
struct LaunchPlanning {
    let stack: Stack
    let paths: HostPaths
    /// Of this host and all its users: see ``HostPaths/privatePaths``.
    let privatePaths: [String]
    /// Whom services can be; anybody's but root's are in a user namespace.
    let possible: PossibleIdentities
    /// The caller's effective user id.
    var user: UInt32 { possible.user }
    var folders: WritableFolders
    /// What this host does not do, and may be lived with.
    var warnings: [Diagnostic] = []
    lazy var hierarchy = CgroupHierarchy.current()
    var filters = FilterPlanning()
    /// Who most services run as: whoever starts the stack.
    /// What stackup has itself, and so can give.
    lazy var ownCapabilities = CapabilitySet.permitted
    private var caller: (identity: UserIdentity, home: String)?

    init(stack: Stack, paths: HostPaths, privatePaths: [String], possible: PossibleIdentities, folders: WritableFolders) {
        self.stack = stack
        self.paths = paths
        self.privatePaths = privatePaths
        self.possible = possible
        self.folders = folders
    }

    /// Sockets outside `/run` that run code elsewhere; `/run` itself is private to each instance.
    private static let engineSockets = [
        "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket",
        "/var/lib/libvirt/qemu", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers/storage",
    ]

    private static let standardPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// What the instances of the whole stack share.
    ///
    /// - Parameter plaintextSources: plaintext on this host that secrets come from.
    func surroundings(plaintextSources: [String]) -> StackSurroundings {
        // Volumes may be about to be made, so their folder is named even where it is missing.
        let volumes = realPath(paths.volumesRoot) ?? paths.volumesRoot
        return StackSurroundings(
            serviceNames: stack.services.map(\.name), privatePaths: privatePaths, plaintextSources: plaintextSources,
            hiddenPaths: [volumes] + realPaths(Self.engineSockets), writableFolders: folders.paths)
    }

    /// The launch plan of a service, without its files and its hash, which need the store.
    ///
    /// - Throws: `DeploymentError` with everything that stands in the way, each with the service's name.
    mutating func plan(for service: Service) throws(DeploymentError) -> LaunchPlan {
        let arguments = (service.entrypoint ?? []) + (service.command ?? [])
        var problems = Problems()
        if arguments.isEmpty { problems.add("it has no command to run", remedy: "give it a 'command' (or an 'entrypoint')") }
        if user != 0, !service.capAdd.isEmpty {
            problems.add("'cap_add' needs root", attribute: "cap_add", remedy: "remove it, or start the stack as root")
        }
        let resolved = problems.collect { () throws(DeploymentError) in try self.user(of: service) }
        for dependency in service.dependsOn where dependency.condition == .healthy {
            guard let other = stack.service(dependency.service), other.healthCheck == nil, !other.needsImage else { continue }
            problems.add(
                "it waits for '\(other.name)' to be healthy, which has no healthcheck", attribute: "depends_on.\(other.name).condition",
                remedy: "give '\(other.name)' a 'healthcheck', or make the condition service_started")
        }
        let limits = problems.collect { () throws(DeploymentError) in try self.limits(of: service) }
        var mounts: [MountPlan] = []
        for mount in service.mounts {
            do {
                mounts.append(try mountPlan(mount, of: service))
            } catch {
                problems.add(error.diagnostics)
            }
        }
        guard let resolved, let limits, problems.isEmpty else { throw problems.error.about(service) }
        var plan = plan(for: service, arguments: arguments, user: resolved, limits: limits, mounts: mounts)
        limit(service, &plan, &problems)
        isolate(service, &plan, &problems)
        missLogSocket(service, plan)
        plan.postStart = problems.collect { () throws(DeploymentError) in try hooks(service.postStart, "post_start", beside: plan) } ?? nil
        plan.preStop = problems.collect { () throws(DeploymentError) in try hooks(service.preStop, "pre_stop", beside: plan) } ?? nil
        guard problems.isEmpty else { throw problems.error.about(service) }
        return plan
    }

    private mutating func user(of service: Service) throws(DeploymentError) -> (identity: UserIdentity, home: String) {
        if service.user == nil, let caller { return caller }
        let resolved = try UserDatabase.host.resolve(service.user, among: possible)
        if service.user == nil { caller = resolved }
        return resolved
    }

    private mutating func limit(_ service: Service, _ plan: inout LaunchPlan, _ problems: inout Problems) {
        let needsGroup = !service.controls.isEmpty || service.hasPrivateCgroupNamespace
        guard needsGroup || service.oomScoreAdjustment != nil || !service.kernelSettings.isEmpty || service.sharedMemorySize != nil else { return }
        var limits = LimitPlanning(service, hierarchy: hierarchy, isRoot: user == 0)
        plan.controls = problems.collect { () throws(DeploymentError) in try limits.controls() } ?? nil
        plan.oomScoreAdjustment = problems.collect { () throws(DeploymentError) in try limits.oomScoreAdjustment() } ?? nil
        plan.namespaceSettings = problems.collect { () throws(DeploymentError) in try limits.namespaceSettings() } ?? nil
        plan.sharedMemorySize = service.sharedMemorySize
        if service.hasPrivateCgroupNamespace { plan.hasPrivateCgroupNamespace = true }
        warnings += limits.warnings
    }

    /// - Returns: nil where there are none.
    private func hooks(_ hooks: [ServiceHook], _ attribute: String, beside plan: LaunchPlan) throws(DeploymentError) -> [InstanceCommand]? {
        var commands: [InstanceCommand] = []
        for (index, hook) in hooks.enumerated() {
            do {
                commands.append(try hook.command(beside: plan, in: stack.workingDirectory, among: possible))
            } catch {
                throw error.below("\(attribute)[\(index)]")
            }
        }
        return commands.isEmpty ? nil : commands
    }

    /// Lines that nobody takes are lost. Whoever takes them may come later, so it is no error.
    private mutating func missLogSocket(_ service: Service, _ plan: LaunchPlan) {
        guard let logging = plan.logging, let path = logging.destination?.socketPath, !isSocket(path) else { return }
        warn(
            service, "logging",
            "there is no socket \(path) on this host, so what the service prints "
                + (logging.isKept ? "is only kept for 'stackup logs', and not passed on" : "is lost"),
            remedy: service.logging.driver == .syslog
                ? "start a syslog, or name the socket of the one there is in 'syslog-address'" : "start systemd-journald, or choose another driver")
    }

    private func isSocket(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    private func limits(of service: Service) throws(DeploymentError) -> [ResourceLimit] {
        var limits: [ResourceLimit] = []
        var problems = Problems()
        for ulimit in service.ulimits {
            guard let limit = problems.collect({ () throws(DeploymentError) in try ResourceLimit(ulimit) }) else { continue }
            limits.append(limit)
        }
        guard problems.isEmpty else { throw problems.error }
        return limits
    }

    private func plan(
        for service: Service, arguments: [String], user: (identity: UserIdentity, home: String), limits: [ResourceLimit],
        mounts: [MountPlan]
    ) -> LaunchPlan {
        var plan = LaunchPlan(service: service.name, arguments: arguments)
        plan.replicas = service.replicas
        plan.environment = environment(of: service, home: user.home)
        plan.workingDirectory = service.workingDirectory.map { Paths.join(stack.workingDirectory, $0) } ?? "/"
        plan.user = user.identity
        plan.hostname = service.hostname
        plan.hosts = service.extraHosts.map {
            HostEntry(address: $0.address == "host-gateway" ? "127.0.0.1" : $0.address, name: $0.name)
        }
        plan.capabilities = CapabilitySet(adding: service.capAdd, dropping: service.capDrop)
        plan.limits = limits
        plan.mounts = mounts
        if service.readOnly, !plan.mounts.contains(where: { $0.target == "/tmp" }) {
            plan.mounts.append(
                .tmpfs(
                    target: "/tmp", readOnly: true, size: 4096, mode: 0o1777, uid: ownOwner.uid, gid: ownOwner.gid, executable: false))
        }
        plan.hostFilesystemWritable = service.hostFilesystemWritable && !service.readOnly
        plan.logging = LogPlan(service.logging)
        plan.restart = Restart(service.restart)
        plan.restartLimits = Runner.RestartLimits(service.restartLimits)
        plan.dependencies = service.dependsOn.filter { stack.service($0.service) != nil }.map(Runner.Dependency.init)
        plan.healthCheck = service.healthCheck.map(Runner.HealthCheck.init)
        plan.stopSignal = Signals.number(service.stopSignal) ?? SIGTERM
        plan.stopGraceMilliseconds = service.stopGracePeriod.milliseconds
        return plan
    }

    private func environment(of service: Service, home: String) -> [String] {
        var variables = service.environment
        if variables["HOME"] == nil { variables["HOME"] = home }
        var lines = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if variables["PATH"] == nil { lines.insert(Self.standardPath, at: 0) }
        return lines
    }

    private mutating func mountPlan(_ mount: Compose.ServiceMount, of service: Service) throws(DeploymentError) -> MountPlan {
        switch mount {
        case .bind(let source, let target, let readOnly, _):
            return .bind(source: try folders.resolve(source), target: target, readOnly: readOnly)
        case .volume(let volume, let target, let readOnly):
            let name = VolumePlanning.name(of: volume, target: target, service: service.name, stack: stack)
            return .bind(source: try folders.resolve(VolumePlanning.folder(name, in: paths)), target: target, readOnly: readOnly)
        case .tmpfs(let target, let readOnly, let size, let mode, let options):
            func number(_ key: String) -> UInt32? {
                options.first { $0.hasPrefix(key + "=") }.flatMap { UInt32($0.dropFirst(key.count + 1)) }
            }
            let (uid, gid) = (number("uid") ?? ownOwner.uid, number("gid") ?? ownOwner.gid)
            guard possible.has(user: uid), possible.has(group: gid) else {
                throw DeploymentError(
                    "\(target) is to belong to \(uid):\(gid), and \(possible.bounds ?? "only root may give it to somebody else")",
                    attribute: service.places.item(of: "tmpfs") {
                        $0.string?.split(separator: ":", maxSplits: 1).first.map { Paths.clean(String($0)) } == target
                    },
                    remedy: possible.remedy("remove 'uid' and 'gid'"))
            }
            return .tmpfs(
                target: target, readOnly: readOnly, size: size, mode: mode ?? 0o1777, uid: uid, gid: gid, executable: options.contains("exec"))
        }
    }

    /// Whose memory that is mounted for a service is, unless the file says it: who starts the stack.
    var ownOwner: (uid: UInt32, gid: UInt32) { user == 0 ? (0, 0) : (user, possible.group) }
}

extension LogPlan {
    /// nil for what is usual.
    init?(_ logging: Logging) {
        guard logging != Logging() else { return nil }
        let format: SyslogFormat = switch logging.format {
        case .rfc3164: .rfc3164
        case .rfc5424: .rfc5424
        case .rfc5424micro: .rfc5424micro
        }
        // A file for each line would take the supervisor more time than it has for a stack.
        self.init(fileSize: logging.fileSize.map { max($0, 4096) }, fileCount: logging.fileCount, isKept: logging.isKept)
        switch logging.driver {
        case .local: break
        case .jsonFile: form = .jsonFile
        case .none: isKept = false
        case .journald: destination = .journal(tag: logging.tag)
        case .syslog: destination = .syslog(socket: logging.socket, facility: logging.facility, format: format, tag: logging.tag)
        }
    }
}

extension Runner.RestartLimits {
    /// nil where nothing is limited.
    init?(_ limits: Compose.RestartLimits) {
        guard limits != Compose.RestartLimits() else { return nil }
        self.init(
            delayMilliseconds: limits.delay?.milliseconds, maximumAttempts: limits.maximumAttempts,
            windowMilliseconds: limits.window?.milliseconds)
    }
}

extension Runner.Dependency {
    init(_ dependency: Compose.Dependency) {
        let condition: Condition = switch dependency.condition {
        case .started: .started
        case .healthy: .healthy
        case .completedSuccessfully: .completed
        }
        self.init(dependency.service, condition, isRequired: dependency.required, restarts: dependency.restart)
    }
}

extension Runner.HealthCheck {
    init(_ check: Compose.HealthCheck) {
        self.init(
            arguments: check.command, intervalMilliseconds: check.interval.milliseconds, timeoutMilliseconds: check.timeout.milliseconds,
            retries: check.retries, startPeriodMilliseconds: check.startPeriod.milliseconds,
            startIntervalMilliseconds: check.startInterval.milliseconds)
    }
}

extension Restart {
    init(_ policy: RestartPolicy) {
        switch policy {
        case .no: self = .no
        case .always: self = .always
        case .unlessStopped: self = .unlessStopped
        case .onFailure(let retries): self = .onFailure(maximumRetries: retries)
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

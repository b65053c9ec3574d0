import Compose
import Glibc
import Linux
import Reconciler
import Runner

/// Turns services of the model into launch plans: the one place that knows both Compose and the runner.
struct LaunchPlanning {
    let stack: Stack
    let paths: HostPaths
    /// The caller's effective user id; anybody but root works within a user namespace.
    let user: UInt32
    var folders: WritableFolders

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
            serviceNames: stack.services.map(\.name), privatePaths: paths.privatePaths, plaintextSources: plaintextSources,
            hiddenPaths: [volumes] + realPaths(Self.engineSockets))
    }

    /// The launch plan of a service, without its files and its hash, which need the store.
    ///
    /// - Throws: `DeploymentError` that names the service.
    mutating func plan(for service: Service) throws(DeploymentError) -> LaunchPlan {
        do {
            return try unnamedPlan(for: service)
        } catch {
            throw error.about(service.name, at: service.location)
        }
    }

    private mutating func unnamedPlan(for service: Service) throws(DeploymentError) -> LaunchPlan {
        let arguments = (service.entrypoint ?? []) + (service.command ?? [])
        guard !arguments.isEmpty else {
            throw DeploymentError("it has no command to run; give it a 'command' (or an 'entrypoint')")
        }
        let (identity, home) = try UserDatabase.host.resolve(service.user ?? String(user))
        if user != 0 { try refuseWhatNeedsRoot(service, identity) }
        var plan = LaunchPlan(service: service.name, arguments: arguments)
        plan.replicas = service.replicas
        plan.environment = environment(of: service, home: home)
        plan.workingDirectory = service.workingDirectory.map { Paths.join(stack.workingDirectory, $0) } ?? "/"
        plan.user = identity
        plan.hostname = service.hostname
        plan.hosts = service.extraHosts.map {
            HostEntry(address: $0.address == "host-gateway" ? "127.0.0.1" : $0.address, name: $0.name)
        }
        plan.capabilities = try CapabilitySet(adding: service.capAdd, dropping: service.capDrop)
        for ulimit in service.ulimits { plan.limits.append(try ResourceLimit(ulimit)) }
        for mount in service.mounts { plan.mounts.append(try mountPlan(mount, of: service)) }
        if service.readOnly, !plan.mounts.contains(where: { $0.target == "/tmp" }) {
            plan.mounts.append(
                .tmpfs(target: "/tmp", readOnly: true, size: 4096, mode: 0o1777, uid: 0, gid: 0, executable: false))
        }
        plan.hostFilesystemWritable = service.hostFilesystemWritable && !service.readOnly
        plan.restart = Restart(service.restart)
        plan.dependencies = service.dependsOn.map(\.service).filter { stack.service($0) != nil }
        plan.stopSignal = try Signals.number(service.stopSignal)
        plan.stopGraceMilliseconds = service.stopGracePeriod.milliseconds
        return plan
    }

    /// What an unprivileged caller's user namespace cannot give, said before anything starts.
    private func refuseWhatNeedsRoot(_ service: Service, _ identity: UserIdentity) throws(DeploymentError) {
        guard identity.uid == user else {
            throw DeploymentError(
                "it wants to run as user \(identity.uid), and only root may start services as somebody else; "
                    + "remove 'user', or start the stack as root")
        }
        guard service.capAdd.isEmpty else {
            throw DeploymentError("'cap_add' needs root; remove it, or start the stack as root")
        }
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
            return .tmpfs(
                target: target, readOnly: readOnly, size: size, mode: mode ?? 0o1777, uid: number("uid") ?? 0,
                gid: number("gid") ?? 0, executable: options.contains("exec"))
        }
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

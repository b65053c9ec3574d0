import Compose
import Glibc
import Linux
import Runner

/// The folders behind named and anonymous volumes.
enum VolumePlanning {
    /// The volume's name on this host. An anonymous one is named for where it is mounted, so that a
    /// recreated instance finds it again, as Compose has it.
    static func name(of volume: String?, target: String, service: String, stack: Stack) -> String {
        guard let volume else {
            let place = Paths.components(target).joined(separator: "-")
            return "\(stack.name)_anonymous_\(service)_\(place)"
        }
        return stack.volumes.first { $0.key == volume }?.name ?? "\(stack.name)_\(volume)"
    }

    /// Where a volume's files are; `_data` as in Docker, so that room for metadata is left beside it.
    static func folder(_ name: String, in paths: HostPaths) -> String {
        paths.volumesRoot + "/" + name + "/_data"
    }

    /// Makes what the services' mounts need on the host: the folders of volumes, and bind sources that
    /// `create_host_path` asks for.
    ///
    /// - Parameters:
    ///   - services: those without mounts may be left out.
    ///   - plans: by service: they have the real paths of the sources, in the order of the mounts.
    ///   - invocation: whose streams say what was made: a path that was misspelt would else go unnoticed.
    /// - Throws: `DeploymentError` with everything that could not be made.
    static func prepare(
        _ services: some Sequence<Service>, of stack: Stack, plans: [String: LaunchPlan], _ invocation: Invocation
    ) throws(DeploymentError) {
        var problems = Problems()
        for service in services {
            let owner = service.user == nil ? nil : plans[service.name]?.user
            for (mount, plan) in zip(service.mounts, plans[service.name]?.mounts ?? []) {
                do {
                    try prepare(mount, plan, of: service, ownedBy: owner, stack: stack, invocation)
                } catch let error as DeploymentError {
                    problems.add(error.about(service).diagnostics)
                } catch {
                    let error = DeploymentError("the source of \(mount.target): \(error)", attribute: "volumes")
                    problems.add(error.about(service).diagnostics)
                }
            }
        }
        guard problems.isEmpty else { throw problems.error }
    }

    private static func prepare(
        _ mount: Compose.ServiceMount, _ plan: MountPlan, of service: Service, ownedBy owner: UserIdentity?, stack: Stack, _ invocation: Invocation
    ) throws {
        switch mount {
        case .tmpfs:
            return
        case .bind(_, _, _, let create):
            guard case .bind(let source, _, _) = plan, access(source, F_OK) != 0 else { return }
            // VolumeCheck has refused it already where it may not be made.
            guard create else { return }
            try FileTree.makeFolders(source, mode: 0o755)
            invocation.streams.note("made the folder \(source) on the host, which was missing, for \(mount.target) of service '\(service.name)'")
        case .volume(let key, let target, _):
            let name = name(of: key, target: target, service: service.name, stack: stack)
            try makeVolume(
                name, ownedBy: owner, isExternal: stack.volumes.contains { $0.key == key && $0.external }, in: invocation.paths,
                namespaceHolder: try StackRemains.namespaceHolder(invocation.paths.directories(of: stack.name)))
        }
    }

    /// The bind sources that ``prepare(_:of:plans:in:_:)`` would make, each once.
    static func missingSources(_ services: [Service], plans: [String: LaunchPlan]) -> [String] {
        services.flatMap { service in
            zip(service.mounts, plans[service.name]?.mounts ?? []).compactMap { mount, plan in
                guard case .bind(_, _, _, createHostPath: true) = mount, case .bind(let source, _, _) = plan, access(source, F_OK) != 0 else { return nil }
                return source
            }
        }.withoutRepeats()
    }

    /// Nobody else may enter the folder of all volumes: what a root service makes there, a program that runs as root too
    /// (setuid), is not for the host's other users.
    ///
    /// - Parameters:
    ///   - owner: nil: the caller.
    ///   - holder: a process in the user namespace of an ordinary user's stack; nil where there is none yet.
    private static func makeVolume(
        _ name: String, ownedBy owner: UserIdentity?, isExternal: Bool, in paths: HostPaths, namespaceHolder holder: Int32?
    ) throws {
        guard let volumes = try PrivateFolder.open(paths.volumesRoot, create: true, mayBeLink: true) else {
            throw SystemCallError("openat2", paths.volumesRoot, code: ENOENT)
        }
        let folder = folder(name, in: paths)
        let missing = DeploymentError("the external volume '\(name)' does not exist", attribute: "volumes", remedy: "create the folder \(folder)")
        guard let place = try volumes.child(name, create: !isExternal) else { throw missing }
        let isThere = try PrivateFolder.child("_data", of: place.number, folder, create: false) != nil
        if isThere { return }
        guard !isExternal, let data = try PrivateFolder.child("_data", of: place.number, folder, create: true, mode: 0o755)
        else { throw missing }
        // A new volume belongs to the user of the service that is the first to have it, much as Docker takes
        // the owner from the image.
        guard let owner, owner.uid != geteuid() || owner.gid != getegid() else { return }
        do {
            if geteuid() != 0 { return try NamespaceErrand.give(data, to: owner, inNamespaceOf: holder) }
            if fchown(data.number, owner.uid, owner.gid) != 0 { throw SystemCallError("fchown", folder) }
        } catch {
            // The next attempt is to find none, rather than one that the service can't write to.
            unlinkat(place.number, "_data", AT_REMOVEDIR)
            throw error
        }
    }

    /// Removes the folders of the stack's own volumes, named and anonymous; external ones stay, and those that other stacks use.
    ///
    /// - Parameter onRemoval: hears the name of each that was there, and whether it was removed.
    static func removeAll(of stack: Stack, services: [Service], in paths: HostPaths, onRemoval: (_ name: String, _ isRemoved: Bool) -> Void) throws {
        var names = stack.volumes.filter { !$0.external }.map(\.name)
        for service in services {
            for case .volume(nil, let target, _) in service.mounts {
                names.append(name(of: nil, target: target, service: service.name, stack: stack))
            }
        }
        guard let volumes = try PrivateFolder.open(paths.volumesRoot, create: false, mayBeLink: true) else { return }
        let number = volumes.descriptor.number
        let others = try MountedFolders()
        // Loading has refused a name that is a path; what is removed here must not hang on that alone.
        for name in names where !name.utf8.contains(UInt8(ascii: "/")) && name != ".." && name != "." {
            guard faccessat(number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            if let folder = realPath(folder(name, in: paths)), others.have(folder) {
                onRemoval(name, false)
                continue
            }
            do throws(SystemCallError) {
                try FileTree.remove(name, in: number)
            } catch {
                // What is left belongs to subordinate ids.
                guard geteuid() != 0, error.code == EACCES || error.code == EPERM else { throw error }
                do {
                    try NamespaceErrand.remove(name, in: number, inNamespaceOf: nil)
                } catch let reason {
                    throw CommandFailure(
                        "the volume '\(name)' can't be removed: \(error), and as the users that your subordinate ids are: \(reason); remove it as root")
                }
            }
            onRemoval(name, true)
        }
        rmdir(paths.volumesRoot)
    }
}

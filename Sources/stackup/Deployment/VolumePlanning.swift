import Compose
import Glibc
import Linux

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
    /// - Throws: `DeploymentError` with every source that is missing and may not be made.
    static func prepare(_ services: [Service], of stack: Stack, in paths: HostPaths) throws(DeploymentError) {
        var problems = Problems()
        for service in services {
            for mount in service.mounts {
                do {
                    try prepare(mount, of: service, stack: stack, paths: paths)
                } catch let error as DeploymentError {
                    problems.add(error.about(service.name, at: service.location).diagnostics)
                } catch {
                    let error = DeploymentError("the source of \(mount.target): \(error)")
                    problems.add(error.about(service.name, at: service.location).diagnostics)
                }
            }
        }
        guard problems.isEmpty else { throw problems.error }
    }

    private static func prepare(_ mount: Compose.ServiceMount, of service: Service, stack: Stack, paths: HostPaths) throws {
        switch mount {
        case .tmpfs:
            return
        case .bind(let source, _, _, let create):
            if access(source, F_OK) == 0 { return }
            guard create else {
                throw DeploymentError("the bind source \(source) does not exist; create it, or correct the path")
            }
            try FileTree.makeFolders(source, mode: 0o755)
        case .volume(let key, let target, _):
            let name = name(of: key, target: target, service: service.name, stack: stack)
            let folder = folder(name, in: paths)
            if access(folder, F_OK) == 0 { return }
            if let declaration = stack.volumes.first(where: { $0.key == key }), declaration.external {
                throw DeploymentError("the external volume '\(name)' does not exist; create the folder \(folder)")
            }
            try FileTree.makeFolders(paths.volumesRoot, mode: 0o711)
            try FileTree.makeFolders(folder, mode: 0o755)
            // A new volume belongs to the user of the service that is the first to have it, much as Docker takes
            // the owner from the image.
            if geteuid() == 0, let user = service.user {
                let owner = try UserDatabase.host.resolve(user).identity
                if lchown(folder, owner.uid, owner.gid) != 0 { throw SystemCallError("lchown", folder) }
            }
        }
    }

    /// Removes the folders of the stack's own volumes, named and anonymous; external ones stay.
    ///
    /// - Parameter onRemoval: hears the name of each that was there.
    static func removeAll(
        of stack: Stack, services: [Service], in paths: HostPaths, onRemoval: (String) -> Void
    ) throws(SystemCallError) {
        var names = stack.volumes.filter { !$0.external }.map(\.name)
        for service in services {
            for case .volume(nil, let target, _) in service.mounts {
                names.append(name(of: nil, target: target, service: service.name, stack: stack))
            }
        }
        for name in names where access(paths.volumesRoot + "/" + name, F_OK) == 0 {
            try FileTree.remove(paths.volumesRoot + "/" + name)
            onRemoval(name)
        }
        rmdir(paths.volumesRoot)
    }
}

import Compose
import Glibc
import Linux

/// The folders behind named and anonymous volumes.
enum VolumePlanning {
    /// The volume's name on this host. An anonymous one is named for where it is mounted, so that a
    /// recreated instance finds it again, as Compose has it.
    static func name(of volume: String?, target: String, service: String, stack: Stack) -> String {
        guard let volume else {
            let place = target.split(separator: "/").joined(separator: "-")
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
    /// - Throws: `DeploymentError` where a source is missing and may not be made.
    static func prepare(_ services: [Service], of stack: Stack, in paths: HostPaths) throws(DeploymentError) {
        for service in services {
            for mount in service.mounts {
                do {
                    try prepare(mount, of: service, stack: stack, paths: paths)
                } catch let error as DeploymentError {
                    throw error.about(service.name, at: service.location)
                } catch {
                    throw DeploymentError("the source of \(mount.target): \(error)").about(service.name, at: service.location)
                }
            }
        }
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
            try createFolders(source, mode: 0o755)
        case .volume(let key, let target, _):
            let name = name(of: key, target: target, service: service.name, stack: stack)
            let folder = folder(name, in: paths)
            if access(folder, F_OK) == 0 { return }
            if let declaration = stack.volumes.first(where: { $0.key == key }), declaration.external {
                throw DeploymentError("the external volume '\(name)' does not exist; create the folder \(folder)")
            }
            try createFolders(paths.volumesRoot, mode: 0o711)
            try createFolders(folder, mode: 0o755)
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
    /// - Returns: the names of those that were there.
    static func removeAll(of stack: Stack, services: [Service], in paths: HostPaths) throws(SystemCallError) -> [String] {
        var names = stack.volumes.filter { !$0.external }.map(\.name)
        for service in services {
            for case .volume(nil, let target, _) in service.mounts {
                names.append(name(of: nil, target: target, service: service.name, stack: stack))
            }
        }
        let present = names.filter { access(paths.volumesRoot + "/" + $0, F_OK) == 0 }
        for name in present { try removeTree(paths.volumesRoot + "/" + name) }
        rmdir(paths.volumesRoot)
        return present
    }
}

/// Makes a directory and those above it that are missing, like `mkdir -p`.
func createFolders(_ path: String, mode: mode_t) throws(SystemCallError) {
    var made = ""
    for part in path.split(separator: "/") {
        made += "/" + part
        if mkdir(made, mode) != 0, errno != EEXIST { throw SystemCallError("mkdir", made) }
    }
}

/// Removes a directory and everything below it without following a symbolic link out of it.
func removeTree(_ path: String) throws(SystemCallError) {
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    let directory = try FileDescriptor.open("/" + parent, O_RDONLY | O_DIRECTORY)
    try removeEntry(String(path.split(separator: "/").last ?? ""), in: directory.number)
}

private func removeEntry(_ name: String, in directory: Int32) throws(SystemCallError) {
    if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemCallError("unlinkat", name) }
    let folder = try FileDescriptor.open(name, in: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    guard let stream = fdopendir(try folder.duplicate().release()) else { throw SystemCallError("fdopendir", name) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let entryName = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if entryName != ".", entryName != ".." { names.append(entryName) }
    }
    closedir(stream)
    for entry in names { try removeEntry(entry, in: folder.number) }
    if unlinkat(directory, name, AT_REMOVEDIR) != 0 { throw SystemCallError("unlinkat", name) }
}

import Compose
import Glibc
import Linux
import Runner
import YAML

/// Finds what is wrong with the sources of mounts before anything is made or started.
struct VolumeCheck {
    let stack: Stack
    let paths: HostPaths
    /// Sources of services looked at before, which ``VolumePlanning`` makes.
    private var made: [String] = []

    init(_ stack: Stack, _ paths: HostPaths) {
        self.stack = stack
        self.paths = paths
    }

    /// - Parameters:
    ///   - plan: has the real paths of the sources, in the order of the mounts.
    ///   - targets: what the command line has mounted, which is in no file.
    mutating func check(_ service: Service, _ plan: LaunchPlan, byOption targets: Set<String> = []) throws(DeploymentError) {
        var problems = Problems()
        for (mount, planned) in zip(service.mounts, plan.mounts) {
            guard let problem = problem(mount, planned, of: service) else { continue }
            if targets.contains(mount.target) {
                problems.add([Diagnostic(.error, "option '--volume': \(problem.message)", remedy: problem.remedy)])
            } else {
                let place = service.places.item(of: "volumes") { $0["target"]?.string.map(Paths.clean) == mount.target }
                problems.add(DeploymentError(problem.message, attribute: place, remedy: problem.remedy).about(service).diagnostics)
            }
        }
        guard problems.isEmpty else { throw problems.error }
    }

    private mutating func problem(
        _ mount: Compose.ServiceMount, _ planned: MountPlan, of service: Service
    ) -> (message: String, remedy: String)? {
        switch (mount, planned) {
        case (.bind(_, _, _, let creates), .bind(let source, _, _)):
            guard access(source, F_OK) != 0, !made.contains(where: { $0 == source || Paths.rest(of: $0, below: source) != nil }) else { return nil }
            guard creates else { return ("the bind source \(source) does not exist", "create it, or correct the path") }
            if let (folder, reason) = obstacle(to: source) {
                return ("the bind source \(source) does not exist, and cannot be made in \(folder): \(reason)", "create it, or correct the path")
            }
            made.append(source)
        case (.volume(let key?, let target, _), _) where stack.volumes.contains { $0.key == key && $0.external }:
            let name = VolumePlanning.name(of: key, target: target, service: service.name, stack: stack)
            let folder = VolumePlanning.folder(name, in: paths)
            guard access(folder, F_OK) == 0 else { return ("the external volume '\(name)' does not exist", "create the folder \(folder)") }
        default: break
        }
        return nil
    }

    /// Why a folder can't be made, and where; nil where nothing is in the way.
    private func obstacle(to path: String) -> (folder: String, reason: String)? {
        var folder = Paths.directory(of: path)
        while access(folder, F_OK) != 0, folder != "/" { folder = Paths.directory(of: folder) }
        var status = stat()
        if stat(folder, &status) == 0, status.st_mode & S_IFMT != S_IFDIR { return (folder, String(cString: strerror(ENOTDIR))) }
        guard faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 else { return (folder, String(cString: strerror(errno))) }
        return nil
    }
}

import Compose
import Glibc
import Linux
import Runner

/// The folders of the host that services can write to, and so lay symbolic links in.
///
/// A bind source or a secret's file that lies behind such a link would be whatever the service chooses: another service's
/// secret, the store's key, `/`.
struct WritableFolders {
    private struct Folder {
        /// Real.
        let path: String
        let service: String
    }

    private var folders: [Folder] = []
    /// Most paths have no link on the way, and lie side by side.
    private var walk = RealPathWalk()

    /// - Parameters:
    ///   - plans: of the services as last applied, which may still run.
    ///   - user: the caller's effective user id, whom services run as that name nobody.
    init(_ stack: Stack, plans: [LaunchPlan], paths: HostPaths, user: UInt32) {
        for service in stack.services {
            let uid = (try? UserDatabase.host.resolve(service.user ?? String(user)).identity.uid) ?? 0
            for mount in service.mounts {
                switch mount {
                case .bind(let source, _, readOnly: false, _):
                    guard let path = realPath(source) else { continue }
                    add(path, service.name, uid: uid, composeFiles: stack.composeFiles)
                case .volume(let volume, let target, readOnly: false):
                    let name = VolumePlanning.name(of: volume, target: target, service: service.name, stack: stack)
                    guard let path = realPath(VolumePlanning.folder(name, in: paths)) else { continue }
                    folders.append(Folder(path: path, service: service.name))
                case .bind, .volume, .tmpfs: continue
                }
            }
        }
        for plan in plans {
            for case .bind(let source, _, readOnly: false) in plan.mounts {
                add(source, plan.service, uid: plan.user.uid, composeFiles: stack.composeFiles)
            }
        }
    }

    /// Who can rewrite the Compose file needs no links, and who has all of the host neither.
    private mutating func add(_ path: String, _ service: String, uid: UInt32, composeFiles: [String]) {
        let ownsProject = composeFiles.contains { file in
            Paths.rest(of: file, below: path) != nil && [0, Self.owner(of: file), Self.owner(of: Paths.directory(of: file))].contains(uid)
        }
        if path != "/", !ownsProject { folders.append(Folder(path: path, service: service)) }
    }

    private static func owner(of path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    /// One that leads to a name that is no text is its own real path, as text.
    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Where an absolute path leads, as far as it exists: a path without symbolic links.
    ///
    /// - Throws: where a service may have laid one of the links on the way.
    mutating func resolve(_ path: String) throws(DeploymentError) -> String {
        if let real = walk.realPath(path), real.hasSameBytes(as: path), !Self.isLink(path) { return real }
        let resolved: ResolvedPath
        do {
            resolved = try ResolvedPath(path)
        } catch {
            throw DeploymentError(
                error.code == EILSEQ ? "\(path) is a symbolic link to a name that is not UTF-8; rename the file" : "\(error)")
        }
        for link in resolved.links {
            guard let folder = folders.first(where: { Paths.rest(of: link, below: $0.path)?.isEmpty == false }) else { continue }
            throw DeploymentError(
                "\(path) leads through the symbolic link \(link), in a folder that service '\(folder.service)' can write to, so it could "
                    + "lead anywhere; name the real path, or move it out of that folder")
        }
        return resolved.path
    }
}

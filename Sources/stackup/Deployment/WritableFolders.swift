import Compose
import Glibc
import Linux
import Runner

/// The folders of the host that services and one-offs can write to, and so lay symbolic links in.
///
/// A bind source or a secret's file that lies behind such a link would be whatever the service chooses: another service's
/// secret, the store's key, `/`.
struct WritableFolders {
    private struct Folder {
        /// Real.
        let path: String
        let service: String
    }

    private let composeFiles: [String]
    /// Who is trusted with links: root, the caller, and whoever owns a Compose file, which says all of this.
    private let trusted: Set<UInt32>
    private var folders: [Folder] = []
    /// Those of other stacks; looked for only where there is a link.
    private let otherFolders: () throws -> [RecordedFolder]
    private var others: [Folder]?
    /// Most paths have no link on the way, and lie side by side.
    private var walk = RealPathWalk()
    /// What was resolved already.
    private var known: [Bytewise<String>: String] = [:]

    /// - Parameters:
    ///   - record: the stack as last applied, which may still run.
    ///   - otherFolders: what other stacks' services can write to.
    ///   - user: the caller's effective user id, whom services run as that name nobody.
    init(_ stack: Stack, record: StackRecord?, otherFolders: @escaping () throws -> [RecordedFolder], paths: HostPaths, user: UInt32) {
        self.init(composeFiles: stack.composeFiles, otherFolders: otherFolders, user: user)
        for service in stack.services where !service.mounts.isEmpty {
            let uid = (try? UserDatabase.host.named(service.user, startedBy: user).identity.uid) ?? 0
            for mount in service.mounts {
                switch mount {
                case .bind(let source, _, readOnly: false, _):
                    if let path = realPath(source), isOpen(path, to: uid) { folders.append(Folder(path: path, service: service.name)) }
                case .volume(let volume, let target, readOnly: false):
                    let name = VolumePlanning.name(of: volume, target: target, service: service.name, stack: stack)
                    guard let path = realPath(VolumePlanning.folder(name, in: paths)) else { continue }
                    folders.append(Folder(path: path, service: service.name))
                case .bind, .volume, .tmpfs: continue
                }
            }
        }
        folders += open(record?.writableFolders ?? [])
    }

    /// Of a stack whose Compose files are not read.
    ///
    /// - Parameters:
    ///   - record: the stack as last applied.
    ///   - otherFolders: as above.
    ///   - user: as above.
    init(_ record: StackRecord, otherFolders: @escaping () throws -> [RecordedFolder], user: UInt32) {
        self.init(composeFiles: record.composeFiles, otherFolders: otherFolders, user: user)
        folders += open(record.writableFolders)
    }

    private init(composeFiles: [String], otherFolders: @escaping () throws -> [RecordedFolder], user: UInt32) {
        self.composeFiles = composeFiles
        self.otherFolders = otherFolders
        trusted = Set([0, user] + composeFiles.compactMap { Self.status(of: $0)?.st_uid })
    }

    /// All of this stack's.
    var paths: [String] { folders.map(\.path).withoutRepeats() }

    private func open(_ recorded: [RecordedFolder]) -> [Folder] {
        recorded.filter { isOpen($0.path, to: $0.uid) }.map { Folder(path: $0.path, service: $0.service) }
    }

    /// Whether links in a folder say anything: who can rewrite the Compose file needs none, nor does root with all of the host.
    private func isOpen(_ path: String, to uid: UInt32) -> Bool {
        if path == "/", uid == 0 { return false }
        return !composeFiles.contains { file in
            guard Paths.rest(of: file, below: path) != nil else { return false }
            return uid == 0 || [file, Paths.directory(of: file)].contains { Self.status(of: $0)?.st_uid == uid }
        }
    }

    /// Where an absolute path leads, as far as it exists: a path without symbolic links.
    ///
    /// - Throws: where a service, or somebody else, may have laid one of the links on the way.
    mutating func resolve(_ path: String) throws(DeploymentError) -> String {
        if let known = known[Bytewise(path)] { return known }
        let real = walk.isReal(path) ? path : try follow(path)
        known[Bytewise(path)] = real
        return real
    }

    private mutating func follow(_ path: String) throws(DeploymentError) -> String {
        let resolved: ResolvedPath
        do {
            resolved = try ResolvedPath(path)
        } catch {
            throw DeploymentError(
                error.code == EILSEQ ? "\(path) is a symbolic link to a name that is not UTF-8; rename the file" : "\(error)")
        }
        for link in resolved.links { try check(link, onTheWayTo: path) }
        return resolved.path
    }

    /// Checks a file that was read already: the way to it, and that what lies there is what was read.
    mutating func check(_ file: ReadFile) throws(DeploymentError) {
        let path = try resolve(file.path)
        guard let status = try? FileDescriptor.open(path, O_PATH, resolution: .noSymlinks).status(), UInt64(status.st_dev) == file.device, UInt64(status.st_ino) == file.inode else {
            throw DeploymentError("\(file.path) became another file while it was read; run the command again")
        }
    }

    private mutating func check(_ link: String, onTheWayTo path: String) throws(DeploymentError) {
        var writer: Folder?
        let lead = "\(path) leads through the symbolic link \(link)"
        let remedy = "so it could lead anywhere; name the real path, or move it out of that folder"
        guard let owner = Self.status(of: link)?.st_uid else { throw DeploymentError("\(lead), which has just gone; run the command again") }
        guard trusted.contains(owner) else {
            throw DeploymentError("\(lead), which belongs to user \(owner), \(remedy)")
        }
        do {
            if others == nil { others = open(try otherFolders()) }
        } catch {
            throw DeploymentError("\(lead), and whether a service of another stack can write to its folder can't be told: \(error)", remedy: "name the real path")
        }
        do throws(SystemCallError) {
            // The host may have mounted a folder twice.
            let mounts = try MountTable.current()
            for folder in folders + (others ?? []) where writer == nil {
                let places = [folder.path] + (try mounts.aliases(of: folder.path))
                if places.contains(where: { Paths.rest(of: link, below: $0)?.isEmpty == false }) { writer = folder }
            }
        } catch {
            throw DeploymentError("\(lead), and whether a service can write to its folder can't be told: \(error)", remedy: "name the real path")
        }
        guard let writer else { return }
        throw DeploymentError("\(lead), in a folder that service '\(writer.service)' can write to, \(remedy)")
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}

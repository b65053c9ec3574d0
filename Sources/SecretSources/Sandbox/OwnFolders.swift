import Glibc
import Linux

/// Folders in which the sandbox has nothing of the host's but what is known to be harmless and what the requests name: `/run`, where daemons listen, and
/// those for temporary files, where everybody's lie.
struct OwnFolders {
    /// Those for temporary files, to which everybody in there may write. One that a request names itself, such as the one that the Compose file lies in, is the host's.
    let temporary: [String]
    /// What of the host's is in them, without symbolic links; a folder comes before what lies in it.
    let bound: [String]
    /// All that may be written to, without symbolic links.
    let changeable: [String]
    /// What of that is the host's.
    let writable: [String]
    /// Symbolic links in them by which all that is named there.
    let links: [String]

    /// Shared memory can't be asked for by name: it is always the sandbox's own.
    private static let sharedMemory = "/dev/shm"

    /// - Parameters:
    ///   - named: paths that requests name; what leads nowhere is left out.
    ///   - writable: paths that may be written to, and below.
    init(named: [String], writable: [String]) {
        // Kerberos keeps a user's tickets there (krb5.conf(5), "default_ccache_name").
        let kept = RuntimeFolder.kept + ["/tmp/krb5cc_\(geteuid())"]
        func existing(_ paths: [String]) -> [ResolvedPath] { paths.filter { realPath($0) != nil }.compactMap { try? ResolvedPath($0) } }
        let (readable, changeable) = (existing(kept + named), existing(writable))
        let names = Set(existing(named).map { Bytewise($0.path) })
        temporary = ["/tmp", "/var/tmp", Self.sharedMemory].filter { folder in
            var status = stat()
            return folder == Self.sharedMemory || lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && !names.contains(Bytewise(folder))
        }
        let own = [RuntimeFolder.path] + temporary
        func lie(_ path: String, in folders: [String]) -> Bool { folders.contains { !(Paths.rest(of: path, below: $0) ?? "").isEmpty } }
        func isBound(_ path: String, by places: [String]) -> Bool { places.contains { Paths.rest(of: path, below: $0) != nil } }
        self.changeable = changeable.map(\.path).withoutRepeats().sorted()
        let places = self.changeable.filter { !own.contains($0) && (Paths.rest(of: $0, below: RuntimeFolder.path) == nil || RuntimeFolder.admits($0)) }
        self.writable = places
        let bound = readable.map(\.path)
            .filter { path in
                lie(path, in: own) && !isBound(path, by: places) && (Paths.rest(of: path, below: RuntimeFolder.path) == nil || RuntimeFolder.admits(path))
            }
            .withoutRepeats().sorted()
        self.bound = bound
        links = (readable + changeable).flatMap(\.links).filter { lie($0, in: own) && !isBound($0, by: bound + places) }.withoutRepeats()
    }

    /// Whether what lies at a path is there in the sandbox.
    func shows(_ path: String) -> Bool {
        guard ([RuntimeFolder.path] + temporary).contains(where: { Paths.rest(of: path, below: $0) != nil }) else { return true }
        return (bound + writable).contains { Paths.rest(of: path, below: $0) != nil }
    }

    /// Whether a place that is to be bound has to be made: it lies in a folder that was empty.
    func lacks(_ path: String) -> Bool {
        (["/dev", RuntimeFolder.path] + temporary).contains { Paths.rest(of: path, below: $0) != nil }
    }
}

import Glibc
import Linux
import Runner
import SecretStore

/// Where stackup keeps things on this host, for one user.
///
/// `STACKUP_HOME` moves everything under one folder. Otherwise root has the places of the Filesystem
/// Hierarchy Standard and anybody else those of the XDG Base Directory Specification, so that the key
/// never lies beside the data that it opens.
struct HostPaths: Equatable, Sendable {
    /// The sealed store and its key file.
    let store: StoreLocation
    /// One folder per running stack: control socket, lock, what runs. Gone after a reboot, or known to be stale.
    let runtimeRoot: String
    /// Where commands of this user that have another environment, such as those of a timer or of su(1), keep theirs.
    let otherRuntimeRoots: [String]
    /// One folder per stack: its services' output.
    let logsRoot: String
    /// One folder per named volume.
    let volumesRoot: String

    /// - Parameters:
    ///   - environment: the caller's.
    ///   - workingDirectory: what a relative `STACKUP_HOME` starts from.
    ///   - user: the caller's effective user id.
    init(environment: [String: String], workingDirectory: String, user: UInt32) {
        func folder(_ variable: String, otherwise path: String) -> String {
            guard let value = environment[variable], value.hasPrefix("/") else { return path }
            return value
        }
        if let home = environment["STACKUP_HOME"], !home.isEmpty {
            let root = Paths.join(workingDirectory, home)
            store = StoreLocation(directory: root + "/store", keyFile: root + "/key")
            runtimeRoot = root + "/run"
            otherRuntimeRoots = []
            logsRoot = root + "/logs"
            volumesRoot = root + "/volumes"
        } else if user == 0 {
            store = StoreLocation(directory: "/var/lib/stackup/store", keyFile: "/etc/stackup/key")
            runtimeRoot = "/run/stackup"
            otherRuntimeRoots = []
            logsRoot = "/var/lib/stackup/logs"
            volumesRoot = "/var/lib/stackup/volumes"
        } else {
            let home = environment["HOME"] ?? UserDatabase.host.entry(uid: user)?.home ?? "/"
            let data = folder("XDG_DATA_HOME", otherwise: home + "/.local/share") + "/stackup"
            let config = folder("XDG_CONFIG_HOME", otherwise: home + "/.config") + "/stackup"
            store = StoreLocation(directory: data + "/store", keyFile: config + "/key")
            let root = folder("XDG_RUNTIME_DIR", otherwise: data + "/run") + "/stackup"
            runtimeRoot = root
            otherRuntimeRoots = ["/run/user/\(user)/stackup", data + "/run/stackup"].filter { $0 != root }
            logsRoot = data + "/logs"
            volumesRoot = data + "/volumes"
        }
    }

    /// What a process in the background finds the same places by, and programs; nothing else of an environment, which may hold secrets.
    static func environment(from environment: [String: String], workingDirectory: String) -> [String: String] {
        var chosen = environment.filter { ["HOME", "PATH", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"].contains($0.key) }
        if let home = environment["STACKUP_HOME"], !home.isEmpty { chosen["STACKUP_HOME"] = Paths.join(workingDirectory, home) }
        return chosen
    }

    /// All of them, this environment's first.
    var runtimeRoots: [String] { [runtimeRoot] + otherRuntimeRoots }

    /// The folders of one stack. One that was started with another environment is where it is: a second one would run on the same volumes.
    func directories(of stack: String) -> StackDirectories {
        directories(of: stack, in: runtimeRoots.first { access("\($0)/\(stack)/control.sock", F_OK) == 0 } ?? runtimeRoot)
    }

    func directories(of stack: String, in root: String) -> StackDirectories {
        StackDirectories(runtime: root + "/" + stack, logs: logsRoot + "/" + stack)
    }

    /// What no instance may see into, whichever user's it is: stores, keys, sockets, logs, at the places in
    /// use and at every user's default ones, since a root service could read those too.
    var privatePaths: [String] {
        var walk = RealPathWalk()
        // Those in use may be about to be made, so they are named even where they are missing.
        let own = ([store.directory, store.keyFile, store.keyNotes, runtimeRoot, logsRoot] + store.notedKeyFiles).map { walk.realPath($0) ?? $0 }
        var paths = ["/var/lib/stackup/store", "/var/lib/stackup/logs", "/etc/stackup"].compactMap { walk.realPath($0) }
        // Many system users share one.
        for home in UserDatabase.host.entries.map(\.home).withoutRepeats() where home.hasPrefix("/") && home != "/" {
            guard let home = walk.realPath(home), home != "/" else { continue }
            for folder in ["/.local/share/stackup/store", "/.local/share/stackup/logs", "/.local/share/stackup/run", "/.config/stackup"] {
                // No link of a user's is followed: it could lead to what others' services need. What is missing may be about
                // to be made.
                let path = home + folder
                if walk.isReal(Paths.directory(of: path)) { paths.append(path) }
            }
        }
        // Runtime folders of all who are logged in, users that the database doesn't list among them.
        if let users = try? FileDescriptor.open("/run/user", O_RDONLY | O_DIRECTORY) {
            paths += DirectoryListing.names(in: users.number).map { "/run/user/\($0)" }.filter { walk.isReal($0) }.map { $0 + "/stackup" }
        }
        return (own + paths).withoutRepeats()
    }
}

/// The paths that exist, each once, with symbolic links followed to the end: a mask has to lie on the thing itself.
func realPaths(_ paths: [String]) -> [String] {
    var walk = RealPathWalk()
    return paths.compactMap { walk.realPath($0) }.withoutRepeats()
}

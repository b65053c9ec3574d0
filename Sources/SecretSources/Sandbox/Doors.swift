import Glibc
import Linux

/// Sockets of programs that run, for whoever asks, something else outside of the sandbox: service managers and container engines.
///
/// The buses are among them, since the service manager listens there. A program that asks the desktop's keyring goes without.
enum Doors {
    private static let ofTheMachine = [
        "/run/systemd/private", "/run/dbus/system_bus_socket", "/run/docker.sock", "/run/docker", "/run/containerd", "/run/podman", "/run/crio", "/run/cri-dockerd.sock",
        "/run/k3s", "/run/buildkit", "/run/libvirt", "/run/snapd.socket", "/run/screen", "/tmp/screens", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket",
        "/var/lib/incus/unix.socket",
    ]
    /// In a user's runtime folder.
    private static let ofAUser = ["bus", "systemd", "docker.sock", "docker", "podman", "containerd", "buildkit"]
    /// Where terminal multiplexers, editors and displays listen, one folder deep; Docker's desktops, in a home folder.
    private static let temporaryFolders = ["/tmp", "/var/tmp"]
    private static let ofAHome = ".docker"

    /// Those that may be there.
    ///
    /// - Parameters:
    ///   - environment: the caller's, who may have a runtime folder or a bus elsewhere.
    ///   - folders: what of the folders for temporary files there is in the sandbox: anybody can fill them.
    static func paths(_ environment: [String: String], shownBy folders: OwnFolders) -> [String] {
        var paths = ofTheMachine + names(in: "/run/systemd").filter { $0.hasPrefix("io.systemd.") }.map { "/run/systemd/" + $0 }
        var runtimeFolders = names(in: "/run/user").map { "/run/user/" + $0 }
        if let own = environment["XDG_RUNTIME_DIR"], own.hasPrefix("/") { runtimeFolders.append(own) }
        for folder in runtimeFolders { paths += ofAUser.map { folder + "/" + $0 } }
        if let bus = environment["DBUS_SESSION_BUS_ADDRESS"].flatMap(path) { paths.append(bus) }
        var sockets = temporaryFolders.flatMap { Self.sockets(in: $0, depth: 1) }.filter(folders.shows)
        let home = environment["HOME"] ?? "/"
        sockets += Self.sockets(in: Paths.join(home, ofAHome), depth: 2)
        // Other users' are nobody's business, and may hold as many as they like.
        paths += UserDatabase.host.entries.map(\.home).withoutRepeats().filter { !$0.hasSameBytes(as: home) }.map { Paths.join($0, ofAHome) }.filter(isFolder)
        // An agent signs for whoever asks, but runs nothing; whoever names one wants it to.
        let agent = environment["SSH_AUTH_SOCK"].flatMap(realPath)
        return paths.filter { !isOthersLink($0) } + sockets.filter { $0 != agent && !isGnuPG(Paths.lastComponent(of: $0)) }
    }

    /// Whether it is a link that somebody else has laid: what it leads to would be hidden in its place.
    private static func isOthersLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK && ![0, geteuid()].contains(status.st_uid)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func names(in path: String) -> [String] {
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return [] }
        return DirectoryListing.names(in: folder.number)
    }

    /// Sockets in a folder and in those below it, without following links.
    private static func sockets(in folder: String, depth: Int) -> [String] {
        names(in: folder).flatMap { name -> [String] in
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { return [] }
            switch status.st_mode & S_IFMT {
            case S_IFSOCK: return [path]
            case S_IFDIR where depth > 0: return sockets(in: path, depth: depth - 1)
            default: return []
            }
        }
    }

    /// Whether it is a socket of one of GnuPG's daemons, which `pass` and `sops` need.
    private static func isGnuPG(_ name: String) -> Bool {
        ["S.gpg-agent", "S.scdaemon", "S.keyboxd", "S.dirmngr"].contains { name.hasPrefix($0) }
    }

    /// The path in an address such as `unix:path=/run/user/1000/bus,guid=…`.
    private static func path(_ address: String) -> String? {
        let start = "unix:path=/"
        guard address.hasPrefix(start) else { return nil }
        return "/" + address.dropFirst(start.count).prefix { $0 != "," && $0 != ";" }
    }
}

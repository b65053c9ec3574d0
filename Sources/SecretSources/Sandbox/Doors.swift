import Glibc
import Linux

/// Sockets of programs that run, for whoever asks, something else outside of the sandbox: service managers and container engines.
///
/// The buses are among them, since the service manager listens there. A program that asks the desktop's keyring goes without.
enum Doors {
    private static let ofTheMachine = [
        "/run/systemd/private", "/run/dbus/system_bus_socket", "/run/docker.sock", "/run/docker", "/run/containerd", "/run/podman", "/run/crio",
        "/run/libvirt", "/run/snapd.socket", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket",
    ]
    /// In a user's runtime folder.
    private static let ofAUser = ["bus", "systemd/private", "docker.sock", "docker", "podman", "containerd"]

    /// Those that may be there.
    ///
    /// - Parameter environment: the caller's, who may have a runtime folder or a bus elsewhere.
    static func paths(_ environment: [String: String]) -> [String] {
        var folders = environment["XDG_RUNTIME_DIR"].map { [$0] } ?? []
        if let users = try? FileDescriptor.open("/run/user", O_RDONLY | O_DIRECTORY) {
            folders += DirectoryListing.names(in: users.number).map { "/run/user/" + $0 }
        }
        let bus = environment["DBUS_SESSION_BUS_ADDRESS"].flatMap(path)
        return ofTheMachine + folders.filter { $0.hasPrefix("/") }.flatMap { folder in ofAUser.map { folder + "/" + $0 } } + (bus.map { [$0] } ?? [])
    }

    /// The path in an address such as `unix:path=/run/user/1000/bus,guid=…`.
    private static func path(_ address: String) -> String? {
        let start = "unix:path=/"
        guard address.hasPrefix(start) else { return nil }
        return "/" + address.dropFirst(start.count).prefix { $0 != "," && $0 != ";" }
    }
}

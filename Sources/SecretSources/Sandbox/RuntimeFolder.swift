import Glibc
import Linux

/// What of `/run` there is in the sandbox. Daemons listen there that do things for whoever asks, so nothing but what is known to be harmless and
/// what the requests name.
enum RuntimeFolder {
    static let path = "/run"

    /// How names are looked up, credentials, card readers, and where some distributions and desktops have programs and disks.
    static let kept = [
        "resolvconf", "NetworkManager/resolv.conf", "systemd/resolve", "connman/resolv.conf", "nscd", "pcscd", "secrets", "secrets.d", "agenix", "credentials",
        "current-system", "booted-system", "wrappers", "media",
    ].map { path + "/" + $0 }

    /// Whether what the requests name may be there: not the whole folder, nor one in which all daemons, or all of a user, listen.
    ///
    /// - Parameter path: one in there, without symbolic links.
    static func admits(_ path: String) -> Bool {
        let rest = Paths.components(Paths.rest(of: path, below: Self.path) ?? "")
        return !(rest.isEmpty || rest == ["systemd"] || rest == ["user"] || rest.count == 2 && rest[0] == "user")
    }
}

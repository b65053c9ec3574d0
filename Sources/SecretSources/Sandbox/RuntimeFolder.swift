import Glibc
import Linux

/// What of `/run` there is in the sandbox. Daemons listen there that do things for whoever asks, so nothing but what is known to be harmless and
/// what the requests name.
enum RuntimeFolder {
    static let path = "/run"

    /// How names are looked up, credentials, card readers, and where some distributions and desktops have programs and disks.
    private static let kept = [
        "resolvconf", "NetworkManager/resolv.conf", "systemd/resolve", "connman/resolv.conf", "nscd", "pcscd", "secrets", "secrets.d", "agenix", "credentials",
        "current-system", "booted-system", "wrappers", "media",
    ]

    /// What is there of all that.
    ///
    /// - Parameters:
    ///   - named: paths that requests name; those that lie elsewhere, or lead nowhere, are left out.
    ///   - writable: paths that come into the sandbox anyway, with all that lies below; without symbolic links.
    /// - Returns: paths without symbolic links.
    static func paths(named: [String], besides writable: [String]) -> [String] {
        (kept.map { path + "/" + $0 } + named).compactMap(realPath)
            .filter { path in
                Paths.rest(of: path, below: Self.path) != nil && !writable.contains { $0.hasSameBytes(as: path) || Paths.rest(of: path, below: $0) != nil }
            }
            .withoutRepeats().sorted()
    }

    /// Links among those that are kept, with where they lead.
    static func links() -> [(path: String, target: String)] {
        kept.compactMap { name in
            var target = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(path + "/" + name, &target, target.count)
            guard count > 0 else { return nil }
            return (path + "/" + name, String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
    }
}

import Glibc
import Linux

/// Where the files of a service lie in its tmpfs.
///
/// ```
/// secrets/    what its instances have at /run/secrets
/// targets/    a file for each target elsewhere, mounted on that target by itself
/// incoming/   files that are being written
/// ```
enum ServiceMountLayout {
    static let secrets = "secrets"
    static let targets = "targets"
    static let incoming = "incoming"

    static let folders: [(name: String, mode: mode_t)] = [(secrets, 0o755), (targets, 0o700), (incoming, 0o700)]

    /// The path of a target in `/run/secrets`; nil for a target elsewhere.
    static func secretPath(of target: String) -> String? {
        guard let rest = Paths.rest(of: target, below: "/run/secrets"), !rest.isEmpty else { return nil }
        return "\(secrets)/\(rest)"
    }

    /// Whether a target is a path that leads down from the root, without detours.
    static func isNormal(_ target: String) -> Bool {
        target.utf8.first == UInt8(ascii: "/") && !target.utf8.contains(0) && target != "/" && Paths.clean(target) == target
    }

    /// The name in `targets/` of the `number`th file written. It begins with a hash (FNV-1a) of the target's path, by
    /// which the next supervisor finds it: a path itself is no file name.
    static func targetName(_ target: String, number: Int) -> String {
        "\(hash(target)).\(number)"
    }

    /// What the paths of all files of a target begin with, from the tmpfs's root.
    static func beginning(of target: String) -> String {
        "/\(targets)/\(hash(target))."
    }

    /// The number that a name in `targets/` ends with.
    static func number(ofTargetName name: String) -> Int? {
        name.split(separator: ".").last.flatMap { Int($0) }
    }

    /// The names in `targets/` that belong to a target.
    static func all(of target: String, among names: [String]) -> [String] {
        let beginning = hash(target) + "."
        return names.filter { $0.hasPrefix(beginning) }
    }

    /// The newest of them.
    static func newest(of target: String, among names: [String]) -> String? {
        all(of: target, among: names)
            .max { (number(ofTargetName: $0) ?? 0) < (number(ofTargetName: $1) ?? 0) }
    }

    private static func hash(_ target: String) -> String {
        String(target.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }, radix: 16)
    }
}

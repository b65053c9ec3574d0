import Glibc
import Linux
import Words

/// Why an ordinary user gets no user namespace, and what to do about it.
///
/// Source: user_namespaces(7), namespaces(7); Ubuntu's and Debian's own settings are in their release notes.
public struct NamespaceDiagnosis: Error, Equatable, Sendable, CustomStringConvertible {
    public let cause: String
    public let remedy: String

    public var description: String { "\(cause); \(remedy)" }

    /// - Parameters:
    ///   - error: what making one, or mounting something in it, failed with.
    ///   - host: what else is known.
    public init(_ error: SystemCallError, on host: HostRestrictions) {
        let (why, helps) = Self.reason(error, host)
        cause = "an ordinary user's services need a user namespace, and none can be made here: \(why)"
        remedy = (helps + ["start the stack as root"]).joined(separator: "; or ")
    }

    private static func reason(_ error: SystemCallError, _ host: HostRestrictions) -> (why: String, helps: [String]) {
        switch error.code {
        case EPERM, EACCES: refused(error, host)
        // EUSERS: nested too deep, before Linux 4.9; since then both are ENOSPC.
        case ENOSPC, EUSERS: exhausted(error, host)
        case ENOSYS: (
            host.isFiltered
                ? "a filter of system calls (seccomp), as containers have one, does not know the call (\(error))"
                : "this kernel lacks what stackup needs (\(error))",
            host.isFiltered ? [outside] : ["use a kernel with CONFIG_USER_NS"])
        case EINVAL where !host.hasUserNamespaces: ("this kernel has none (it was built without CONFIG_USER_NS)", ["use a kernel with CONFIG_USER_NS"])
        default: ("\(error)", [])
        }
    }

    private static func refused(_ error: SystemCallError, _ host: HostRestrictions) -> (why: String, helps: [String]) {
        if host.cloneIsForbidden {
            return ("the kernel keeps them to root (kernel.unprivileged_userns_clone is 0)", [setting("kernel.unprivileged_userns_clone", 1)])
        }
        if host.appArmorRestricts {
            let all = setting("kernel.apparmor_restrict_unprivileged_userns", 0, whom: "every program")
            if let profile = host.appArmorProfile {
                return (
                    "AppArmor keeps them from programs whose profile does not allow them (kernel.apparmor_restrict_unprivileged_userns is 1), and this one runs "
                        + "under the profile '\(profile)'",
                    ["add the line 'userns,' to that profile, as root, and load it again: apparmor_parser -r FILE", all])
            }
            return (
                "AppArmor keeps them from programs without a profile (kernel.apparmor_restrict_unprivileged_userns is 1)",
                ["give stackup one, as root: \(profileCommand(for: host.executable))", all])
        }
        if host.isInChroot { return ("it is forbidden within a chroot (\(error))", ["start stackup outside of it"]) }
        if host.isFiltered { return ("a filter of system calls (seccomp), as containers have one, forbids it (\(error))", [outside]) }
        return (
            "\(error)", ["ask whoever looks after this host: a security module (SELinux, AppArmor) or a setting keeps them from you; 'dmesg' may say which"])
    }

    private static func exhausted(_ error: SystemCallError, _ host: HostRestrictions) -> (why: String, helps: [String]) {
        let kinds = [("user.max_user_namespaces", host.mostUserNamespaces, "user"), ("user.max_mnt_namespaces", host.mostMountNamespaces, "mount")]
        for (name, limit, kind) in kinds where limit == 0 {
            return ("this host allows no \(kind) namespaces at all (\(name) is 0)", [setting(name, usualLimit)])
        }
        let limits = kinds.compactMap { name, limit, _ in limit.map { "\(name) is \($0)" } }.joined(separator: ", ")
        var raises = kinds.filter { $0.1 ?? usualLimit < usualLimit }.map { setting($0.0, usualLimit) }
        // Where it is high enough, it is not what is in the way.
        if raises.isEmpty, let limit = host.mostUserNamespaces, limit < 1 << 20 { raises = [setting("user.max_user_namespaces", limit * 2)] }
        return (
            "there are too many already, of this user's or of one that this one lies in (\(limits)), or they lie in each other too deep (32 at most)",
            ["end what holds them (lsns shows it)"] + raises)
    }

    /// What kernels with a few gigabytes of memory begin with, roughly.
    private static let usualLimit: UInt64 = 15_000

    private static let outside =
        "start stackup outside of the container, or the container without that filter (docker run --security-opt seccomp=unconfined)"

    /// For now, and for good.
    private static func setting(_ name: String, _ value: UInt64, whom: String = "everybody") -> String {
        "allow them to \(whom), as root: sysctl -w \(name)=\(value) && echo \(name)=\(value) >/etc/sysctl.d/90-stackup.conf"
    }

    /// A command that writes the profile and loads it. `flags=(unconfined)`: nothing else is kept from stackup; services have walls of their own.
    static func profileCommand(for executable: String) -> String {
        let lines = profile(for: executable).split(separator: "\n").map { ShellWords.joined([String($0)]) }
        return "printf '%s\\n' \(lines.joined(separator: " ")) >\(profileFile) && apparmor_parser -r \(profileFile)"
    }

    static let profileFile = "/etc/apparmor.d/stackup"

    /// An AppArmor profile that allows one program user namespaces (apparmor.d(5)).
    static func profile(for executable: String) -> String {
        """
        abi <abi/4.0>,
        include <tunables/global>
        profile stackup \(quoted(executable)) flags=(unconfined) {
          userns,
          include if exists <local/stackup>
        }
        """
    }

    /// A path as apparmor.d(5) has it: what would be a pattern or a variable is escaped.
    private static func quoted(_ path: String) -> String {
        let special: Set<Character> = ["\\", "\"", "*", "?", "[", "]", "{", "}", "^", "@", ","]
        return "\"" + path.map { special.contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
}

import CLinux
import Glibc
import Linux

/// What a host says of its ordinary users' namespaces, for whom none could be made: what the kernel's settings are, and what this process is
/// kept in. Nothing of it decides anything: that only the trial does (``NamespaceTrial``).
public struct HostRestrictions: Equatable, Sendable {
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu since 23.10): only programs with a profile that has `userns` may.
    public var appArmorRestricts = false
    /// AppArmor's profile of this process; nil where it has none.
    public var appArmorProfile: String?
    /// `kernel.unprivileged_userns_clone`, a setting of Debian's kernels and others that took it over, is 0.
    public var cloneIsForbidden = false
    /// `user.max_user_namespaces`, of this process's own user namespace; nil where it can't be read.
    public var mostUserNamespaces: UInt64?
    /// `user.max_mnt_namespaces`.
    public var mostMountNamespaces: UInt64?
    /// Whether the kernel has user namespaces at all.
    public var hasUserNamespaces = true
    /// Whether the root of this process is not that of its mount namespace (chroot(2)).
    public var isInChroot = false
    /// Whether its system calls are filtered, as those of containers are.
    public var isFiltered = false
    /// This program's own file.
    public var executable = "/usr/local/bin/stackup"

    public init() {}

    /// What this host says.
    public static func read() -> HostRestrictions {
        var host = HostRestrictions()
        host.appArmorRestricts = line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1"
        let profile = line("/proc/self/attr/apparmor/current") ?? line("/proc/self/attr/current")
        host.appArmorProfile = profile == "unconfined" ? nil : profile
        host.cloneIsForbidden = line("/proc/sys/kernel/unprivileged_userns_clone") == "0"
        host.mostUserNamespaces = line("/proc/sys/user/max_user_namespaces").flatMap { UInt64($0) }
        host.mostMountNamespaces = line("/proc/sys/user/max_mnt_namespaces").flatMap { UInt64($0) }
        host.hasUserNamespaces = access("/proc/self/ns/user", F_OK) == 0 || access("/proc/self", F_OK) != 0
        if let root = try? FileDescriptor.open("/", O_PATH | O_DIRECTORY) { host.isInChroot = clinux_is_mount_root(root.number) == 0 }
        host.isFiltered = contents("/proc/self/status")?.split(separator: "\n").contains("Seccomp:\t2") ?? false
        if let path = realPath("/proc/self/exe") { host.executable = path }
        return host
    }

    private static func line(_ path: String) -> String? {
        contents(path)?.split(separator: "\n").first.map(String.init)
    }

    private static func contents(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = (try? file.readAll(limit: 1 << 16)) ?? nil else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

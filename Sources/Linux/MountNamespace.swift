import CLinux
import Glibc

/// Gives this process a mount namespace of its own, in which the host's mounts appear and from which nothing goes back.
///
/// To be called before any other thread exists (unshare(2)), and before ``hardenProcess()``.
///
/// - Parameters:
///   - withUser: whether it gets a user namespace too, which maps the caller alone: ordinary users may not have the one
///     without the other (user_namespaces(7)).
///   - others: namespaces that it gets besides (CLONE_NEW* of clone(2)).
/// - Throws: where the host forbids it.
public func enterMountNamespace(withUser: Bool, and others: UInt64 = 0) throws(SystemCallError) {
    let (user, group) = (geteuid(), getegid())
    try retryingInterrupts("unshare", on: withUser ? "user namespace" : "mount namespace") {
        clinux_unshare(UInt64(withUser ? CLINUX_NEWNS | CLINUX_NEWUSER : CLINUX_NEWNS) | others)
    }
    if withUser {
        try writeMap("setgroups", "deny")
        try writeMap("uid_map", "\(user) \(user) 1\n")
        try writeMap("gid_map", "\(group) \(group) 1\n")
    }
    try retryingInterrupts("mount", on: "/") { clinux_make_mounts_slave() }
}

private func writeMap(_ name: String, _ text: String) throws(SystemCallError) {
    try FileDescriptor.open("/proc/self/\(name)", O_WRONLY).writeAll(Array(text.utf8))
}

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
    try unshareMounts(withUser: withUser, and: others)
    if withUser { try mapAlone(user: user, group: group) }
    try retryingInterrupts("mount", on: "/") { clinux_make_mounts_slave() }
}

/// The same with a user namespace that maps the caller's subordinate ids, too, where there are any and the host lets them be mapped.
///
/// - Returns: what was in the way of that; nil where nothing was, and where there are none.
@discardableResult
public func enterMountNamespaceWithSubordinates() throws(SystemCallError) -> String? {
    let (user, group) = (geteuid(), getegid())
    guard (try? SubordinateIdentities.of(user: user, group: group)) != nil else {
        try enterMountNamespace(withUser: true)
        return nil
    }
    let mapper = try IdentityMapper()
    try unshareMounts(withUser: true, and: 0)
    let outcome = mapper.map()
    try mapAlone(user: outcome.users ? nil : user, group: outcome.groups ? nil : group)
    try retryingInterrupts("mount", on: "/") { clinux_make_mounts_slave() }
    return outcome.problem
}

private func unshareMounts(withUser: Bool, and others: UInt64) throws(SystemCallError) {
    try retryingInterrupts("unshare", on: withUser ? "user namespace" : "mount namespace") {
        clinux_unshare(UInt64(withUser ? CLINUX_NEWNS | CLINUX_NEWUSER : CLINUX_NEWNS) | others)
    }
}

/// - Parameters: nil where others are mapped already.
private func mapAlone(user: UInt32?, group: UInt32?) throws(SystemCallError) {
    // Before the group: who may leave groups could get past permissions that are for all others (user_namespaces(7)).
    if group != nil { try writeMap("setgroups", "deny") }
    if let user { try writeMap("uid_map", IdentityMap(alone: user).text) }
    if let group { try writeMap("gid_map", IdentityMap(alone: group).text) }
}

private func writeMap(_ name: String, _ text: String) throws(SystemCallError) {
    try FileDescriptor.open("/proc/self/\(name)", O_WRONLY).writeAll(Array(text.utf8))
}

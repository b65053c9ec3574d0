import Compose
import Glibc
import Linux
import Reconciler
import Runner

extension UserDatabase {
    /// Who `user:` names: `UID|NAME[:GID|GROUP]`, as Docker reads it. A bare user has its own group and the
    /// groups that list it; a group that is named stands alone.
    ///
    /// - Returns: the identity and its home directory (`/` for a bare number that no entry has).
    /// - Throws: `DeploymentError` where a name is unknown.
    func resolve(_ text: String) throws(DeploymentError) -> (identity: UserIdentity, home: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false).map { String(Substring($0)) }
        let user: User
        if let entry = entry(name: parts[0]) {
            user = entry
        } else if let uid = UInt32(parts[0]) {
            user = entry(uid: uid) ?? User(name: "", uid: uid, gid: 0, home: "/")
        } else {
            throw DeploymentError("user '\(parts[0])' is not in /etc/passwd", attribute: "user", remedy: "create it, or give a number")
        }
        guard parts.count == 2, !parts[1].isEmpty else {
            let member = user.name.isEmpty ? [] : groups.filter { $0.members.contains(user.name) }.map(\.gid)
            let identity = UserIdentity(uid: user.uid, gid: user.gid, groups: member.filter { $0 != user.gid })
            return (identity, user.home)
        }
        guard let gid = groups.first(where: { $0.name == parts[1] })?.gid ?? UInt32(parts[1]) else {
            throw DeploymentError("group '\(parts[1])' is not in /etc/group", attribute: "user", remedy: "create it, or give a number")
        }
        return (UserIdentity(uid: user.uid, gid: gid), user.home)
    }
}

extension UserDatabase {
    /// Who somebody runs as, and where that user's home is.
    ///
    /// - Parameters:
    ///   - name: nil: whoever starts the stack.
    ///   - caller: who that is.
    ///   - group: the caller's. The user namespace of an ordinary user has no other one, whatever passwd(5) says (newgrp(1)), or says nothing.
    func resolve(
        _ name: String?, startedBy caller: UInt32, inGroup group: UInt32 = getegid()
    ) throws(DeploymentError) -> (identity: UserIdentity, home: String) {
        var resolved = try resolve(name ?? String(caller))
        if caller == 0 { return resolved }
        guard resolved.identity.uid == caller else {
            throw DeploymentError(
                "it wants to run as user \(resolved.identity.uid), and only root may start services as somebody else",
                attribute: "user", remedy: "remove 'user', or start the stack as root")
        }
        let namesGroup = name?.split(separator: ":", maxSplits: 1).count == 2
        guard !namesGroup || resolved.identity.gid == group else {
            throw DeploymentError(
                "it wants group \(resolved.identity.gid), and only root may give services another one than the caller's own, \(group)",
                attribute: "user", remedy: "remove the group, or start the stack as root")
        }
        resolved.identity.gid = group
        return resolved
    }
}

extension ServiceHook {
    /// The command in the kernel's terms.
    ///
    /// - Parameters:
    ///   - plan: the service's.
    ///   - folder: what a relative working directory starts from.
    ///   - caller: who starts the stack.
    func command(beside plan: LaunchPlan, in folder: String, of caller: UInt32) throws(DeploymentError) -> InstanceCommand {
        var command = plan.command(self.command)
        if let user { command.user = try UserDatabase.host.resolve(user, startedBy: caller).identity }
        if isPrivileged { command.capabilities = .permitted }
        if let workingDirectory { command.workingDirectory = Paths.join(folder, workingDirectory) }
        command.environment.removeAll { line in environment.contains { line.hasPrefix("\($0.key)=") } }
        command.environment += environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return command
    }
}

extension Preparation {
    /// An ordinary user's supervisor lives in a user namespace with the one group that it was started with.
    ///
    /// - Throws: where services are to have another.
    func checkGroup(_ observed: ObservedState) throws(CommandFailure) {
        guard let pid = observed.supervisorPID, let group = launchPlans.values.first?.user.gid, let map = GroupMap(of: pid), !map.contains(group) else { return }
        throw CommandFailure(
            "'\(stack.name)' was started with group \(map.only.map(String.init) ?? "0"), and can't have services with group \(group), this command's; "
                + "run it with that group (newgrp), or take the stack down first: stackup down")
    }
}

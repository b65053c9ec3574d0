import Compose
import Glibc
import Linux
import Reconciler
import Runner

/// Why nobody can run as who was named.
enum UserProblem: Error {
    case noUser(String)
    case noGroup(String)
    case foreignUser(UInt32, PossibleIdentities)
    case foreignGroup(UInt32, PossibleIdentities)

    var message: String {
        switch self {
        case .noUser(let name): "user '\(name)' is not in /etc/passwd"
        case .noGroup(let name): "group '\(name)' is not in /etc/group"
        case .foreignUser(let uid, let possible):
            "it wants to run as user \(uid), and \(possible.bounds ?? "only root may start services as somebody else")"
        case .foreignGroup(let gid, let possible):
            "it wants group \(gid), and \(possible.bounds ?? "only root may give services another one than the caller's own, \(possible.group)")"
        }
    }

    /// - Parameter attribute: what is to be removed, where it must not be there.
    func remedy(for attribute: String) -> String {
        switch self {
        case .noUser, .noGroup: "create it, or give a number"
        case .foreignUser(_, let possible): possible.remedy("remove '\(attribute)'")
        case .foreignGroup(_, let possible): possible.remedy("remove the group")
        }
    }
}

extension UserDatabase {
    /// Who `user:` names: `UID|NAME[:GID|GROUP]`, as Docker reads it. A bare user has its own group and the
    /// groups that list it; a group that is named stands alone.
    ///
    /// - Parameters:
    ///   - text: nil, or without a user: whoever starts the stack.
    ///   - caller: who that is.
    /// - Returns: the identity and its home directory (`/` for a bare number that no entry has).
    func named(_ text: String?, startedBy caller: UInt32) throws(UserProblem) -> (identity: UserIdentity, home: String) {
        let parts = (text ?? "").utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false).map { String(Substring($0)) }
        let name = parts[0].isEmpty ? String(caller) : parts[0]
        let user: User
        if let entry = entry(name: name) {
            user = entry
        } else if let uid = UInt32(name) {
            user = entry(uid: uid) ?? User(name: "", uid: uid, gid: 0, home: "/")
        } else {
            throw .noUser(name)
        }
        guard parts.count == 2, !parts[1].isEmpty else {
            let member = user.name.isEmpty ? [] : groups.filter { $0.members.contains(user.name) }.map(\.gid)
            let identity = UserIdentity(uid: user.uid, gid: user.gid, groups: member.filter { $0 != user.gid })
            return (identity, user.home)
        }
        guard let gid = groups.first(where: { $0.name == parts[1] })?.gid ?? UInt32(parts[1]) else { throw .noGroup(parts[1]) }
        return (UserIdentity(uid: user.uid, gid: gid), user.home)
    }

    /// Who somebody runs as, and where that user's home is.
    ///
    /// - Parameters:
    ///   - name: as ``named(_:startedBy:)``.
    ///   - possible: whom services can be. An ordinary user has the group of the caller, whatever passwd(5) says (newgrp(1)), or says nothing.
    /// - Throws: `UserProblem` where a name is unknown, and where that can't be.
    func permitted(_ name: String?, among possible: PossibleIdentities) throws(UserProblem) -> (identity: UserIdentity, home: String) {
        var resolved = try named(name, startedBy: possible.user)
        if possible.user == 0 { return resolved }
        guard possible.has(user: resolved.identity.uid) else { throw .foreignUser(resolved.identity.uid, possible) }
        let namesGroup = name?.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).count == 2
        if resolved.identity.uid == possible.user, !namesGroup {
            resolved.identity.gid = possible.group
            // They are the host's, and stay so.
            if possible.hasOtherGroups { (resolved.identity.groups, resolved.identity.keepsGroups) = ([], true) }
        }
        for group in [resolved.identity.gid] + (possible.hasOtherGroups ? resolved.identity.groups : []) where !possible.has(group: group) {
            throw .foreignGroup(group, possible)
        }
        return resolved
    }

    /// The same, of what a file has as `user`.
    func resolve(_ name: String?, among possible: PossibleIdentities) throws(DeploymentError) -> (identity: UserIdentity, home: String) {
        do {
            return try permitted(name, among: possible)
        } catch {
            throw DeploymentError(error.message, attribute: "user", remedy: error.remedy(for: "user"))
        }
    }
}

extension Invocation {
    /// Whom `--user` names; nil where it isn't given.
    func namedUser(among possible: @autoclosure () throws -> PossibleIdentities) throws -> UserIdentity? {
        guard let name = value("user") else { return nil }
        let possible = try possible()
        do throws(UserProblem) {
            return try UserDatabase.host.permitted(name, among: possible).identity
        } catch {
            throw CommandFailure("option '--user': \(error.message); \(error.remedy(for: "--user"))")
        }
    }
}

extension ServiceHook {
    /// The command in the kernel's terms.
    ///
    /// - Parameters:
    ///   - plan: the service's.
    ///   - folder: what a relative working directory starts from.
    ///   - possible: whom it can run as.
    func command(beside plan: LaunchPlan, in folder: String, among possible: PossibleIdentities) throws(DeploymentError) -> InstanceCommand {
        var command = plan.command(self.command)
        if let user { command.user = try UserDatabase.host.resolve(user, among: possible).identity }
        if isPrivileged {
            // Root of a user namespace could take covers off.
            guard possible.user == 0 else {
                throw DeploymentError("'privileged' needs root", attribute: "privileged", remedy: "remove it, or start the stack as root")
            }
            command.capabilities = .permitted
        }
        if let workingDirectory { command.workingDirectory = Paths.join(folder, workingDirectory) }
        command.environment.removeAll { line in environment.contains { line.hasPrefix("\($0.key)=") } }
        command.environment += environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return command
    }
}

extension PossibleIdentities {
    /// An ordinary user's supervisor lives in a user namespace with the group that it was started with.
    ///
    /// - Throws: where the caller has another.
    func checkGroup(of stack: String) throws(CommandFailure) {
        guard let foreignGroup else { return }
        throw CommandFailure(
            "'\(stack)' was started with group \(foreignGroup), and can't have services with group \(group), this command's; "
                + "run it with that group (newgrp), or take the stack down first: stackup down")
    }
}

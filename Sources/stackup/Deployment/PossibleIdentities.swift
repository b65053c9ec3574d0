import Compose
import Glibc
import Linux
import Runner

/// Whom a stack's services can run as, and whom files can belong to in them: what tells it before anything starts, for services, grants, mounts,
/// hooks, `exec` and `run`.
///
/// Root's can be anybody. An ordinary user's live in a user namespace, which has whom it maps.
struct PossibleIdentities {
    /// The caller.
    let user: UInt32
    let group: UInt32
    /// nil where anybody is possible.
    private let maps: (users: IdentityMap, groups: IdentityMap)?
    /// What would make more possible, besides root.
    private let help: String

    /// - Parameter problem: why the subordinate ids that there are couldn't be mapped.
    private init(user: UInt32, group: UInt32, users: IdentityMap, groups: IdentityMap, isRunning: Bool, problem: String?) {
        (self.user, self.group, maps) = (user, group, (users, groups))
        help = Self.help(user: user, group: group, isRunning: isRunning, problem: problem)
    }

    private init(unlimitedFor user: UInt32) {
        (self.user, group, maps, help) = (user, getegid(), nil, "")
    }

    /// Anybody, as root has it; for others where nothing is to start, and nobody to be refused.
    static func unlimited(for user: UInt32) -> PossibleIdentities { PossibleIdentities(unlimitedFor: user) }

    /// Those of a running process, and of all that is started beside it.
    ///
    /// - Returns: nil where it has just ended.
    static func of(process pid: Int32, startedBy user: UInt32) -> PossibleIdentities? {
        if user == 0 { return .unlimited(for: user) }
        guard let users = IdentityMap(.users, of: pid), let groups = IdentityMap(.groups, of: pid) else { return nil }
        return PossibleIdentities(user: user, group: getegid(), users: users, groups: groups, isRunning: true, problem: nil)
    }

    /// Those of a stack that does not run yet, which are tried.
    ///
    /// - Throws: `DeploymentError` where this host has none at all, with what to do.
    static func tried(by user: UInt32) throws -> PossibleIdentities {
        do {
            let found = try NamespaceTrial.identities()
            return PossibleIdentities(
                user: user, group: getegid(), users: found.users, groups: found.groups, isRunning: false, problem: found.problem)
        } catch let diagnosis as NamespaceDiagnosis {
            throw DeploymentError(diagnosis.cause, remedy: diagnosis.remedy)
        }
    }

    func has(user id: UInt32) -> Bool { maps?.users.contains(id) ?? true }
    func has(group id: UInt32) -> Bool { maps?.groups.contains(id) ?? true }

    /// Whether services are in groups that are not the host's, which they can be given and lose.
    var hasOtherGroups: Bool { maps.map { !$0.groups.hasOne } ?? false }

    /// The group that a running stack was started with; nil where that is the caller's.
    var foreignGroup: UInt32? {
        guard let groups = maps?.groups, groups.outside(group) != group else { return nil }
        return groups.same ?? 0
    }

    /// Why an id that is not there isn't: the highest one that is, where there are others than the caller's.
    var bounds: String? {
        guard let maps, !maps.users.hasOne, !maps.groups.hasOne else { return nil }
        return "your subordinate ids reach to \(maps.users.lastInRow ?? 0) for users and to \(maps.groups.lastInRow ?? 0) for groups"
    }

    /// What to do about one that isn't there: `remove 'user', start the stack as root, or …`.
    func remedy(_ removal: String) -> String {
        if bounds != nil { return "\(removal), start the stack as root, or have more given to you: \(Self.grant(to: user))" }
        return help.isEmpty ? "\(removal), or start the stack as root" : "\(removal), start the stack as root, or \(help)"
    }

    private static func help(user: UInt32, group: UInt32, isRunning: Bool, problem: String?) -> String {
        do throws(SubordinateIdentities.Shortage) {
            _ = try SubordinateIdentities.of(user: user, group: group)
            if let problem { return "see why your subordinate ids can't be used: \(problem)" }
            return isRunning ? "take it down first (stackup down): it was started without your subordinate ids" : ""
        } catch {
            switch error {
            case .noHelper(let name): return "have subordinate ids: install \(name) (Debian's package uidmap), and give yourself some: \(grant(to: user))"
            case .noRange(let file): return "have subordinate ids, of which \(file) has none for you: \(grant(to: user))"
            }
        }
    }

    private static func grant(to user: UInt32) -> String {
        let first = SubordinateIdentities.free(), last = first + 65_535
        guard let name = UserDatabase.host.entry(uid: user)?.name else {
            return "as root, the line \(user):\(first):65536 in /etc/subuid and in /etc/subgid"
        }
        return "as root, usermod --add-subuids \(first)-\(last) --add-subgids \(first)-\(last) \(name)"
    }
}

extension Invocation {
    /// Whom services of a stack can be, and whether there can be any.
    ///
    /// - Throws: `DeploymentError` where an ordinary user can have none on this host; nothing was made then.
    func identities(for stack: Stack) throws -> PossibleIdentities {
        guard user != 0, stack.services.contains(where: { !$0.needsImage }) else { return .unlimited(for: user) }
        if let holder = try StackRemains.namespaceHolder(paths.directories(of: stack.name)),
            let found = PossibleIdentities.of(process: holder, startedBy: user)
        {
            return found
        }
        // It takes some milliseconds, and comes out the same.
        if let known = trial.identities { return known }
        let found = try PossibleIdentities.tried(by: user)
        trial.identities = found
        return found
    }
}

/// What came of the one trial that a command makes.
final class TrialOutcome {
    var identities: PossibleIdentities?
}

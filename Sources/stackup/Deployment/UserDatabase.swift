import Glibc
import Linux
import Runner

/// The host's users and groups as passwd(5) and group(5) have them.
///
/// Read from the files, as container engines do: a static binary has no Name Service Switch.
struct UserDatabase: Sendable {
    struct User: Equatable, Sendable {
        let name: String
        let uid: UInt32
        let gid: UInt32
        let home: String
    }

    struct Group: Equatable, Sendable {
        let name: String
        let gid: UInt32
        let members: [String]
    }

    let entries: [User]
    let groups: [Group]

    /// The host's own, read once.
    static let host = UserDatabase(passwd: contents("/etc/passwd"), group: contents("/etc/group"))

    init(passwd: String, group: String) {
        entries = Self.fields(passwd, count: 7).compactMap { fields in
            guard let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
            return User(name: String(fields[0]), uid: uid, gid: gid, home: String(fields[5]))
        }
        groups = Self.fields(group, count: 4).compactMap { fields in
            guard let gid = UInt32(fields[2]) else { return nil }
            return Group(
                name: String(fields[0]), gid: gid, members: fields[3].split(separator: ",").map(String.init))
        }
    }

    func entry(uid: UInt32) -> User? { entries.first { $0.uid == uid } }
    func entry(name: String) -> User? { entries.first { $0.name == name } }

    /// Who `user:` names: `UID|NAME[:GID|GROUP]`, as Docker reads it. A bare user has its own group and the
    /// groups that list it; a group that is named stands alone.
    ///
    /// - Returns: the identity and its home directory (`/` for a bare number that no entry has).
    /// - Throws: `DeploymentError` where a name is unknown.
    func resolve(_ text: String) throws(DeploymentError) -> (identity: UserIdentity, home: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let user: User
        if let entry = entry(name: parts[0]) {
            user = entry
        } else if let uid = UInt32(parts[0]) {
            user = entry(uid: uid) ?? User(name: "", uid: uid, gid: 0, home: "/")
        } else {
            throw DeploymentError("user '\(parts[0])' is not in /etc/passwd; create it, or give a number")
        }
        guard parts.count == 2, !parts[1].isEmpty else {
            let member = user.name.isEmpty ? [] : groups.filter { $0.members.contains(user.name) }.map(\.gid)
            let identity = UserIdentity(uid: user.uid, gid: user.gid, groups: member.filter { $0 != user.gid })
            return (identity, user.home)
        }
        guard let gid = groups.first(where: { $0.name == parts[1] })?.gid ?? UInt32(parts[1]) else {
            throw DeploymentError("group '\(parts[1])' is not in /etc/group; create it, or give a number")
        }
        return (UserIdentity(uid: user.uid, gid: gid), user.home)
    }

    private static func fields(_ text: String, count: Int) -> [[Substring]] {
        text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
            .filter { $0.count >= count }
    }

    private static func contents(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll(limit: 16 << 20) else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

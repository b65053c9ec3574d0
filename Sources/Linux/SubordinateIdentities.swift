import Glibc

/// What an ordinary user's namespaces can have besides that user: the subordinate ids that subuid(5) and subgid(5) give, and the programs that may map
/// them (newuidmap(1), newgidmap(1)).
public struct SubordinateIdentities: Sendable {
    public let users: IdentityMap
    public let groups: IdentityMap
    let userHelper: String
    let groupHelper: String

    /// Why there are none.
    public enum Shortage: Error, Equatable, Sendable {
        /// A program is missing, or is one that somebody else than root may have put there.
        case noHelper(String)
        /// A file has nothing for that user.
        case noRange(file: String)
    }

    private static let userFile = "/etc/subuid"
    private static let groupFile = "/etc/subgid"

    /// Root's folders, and nobody else's: what lies in the caller's PATH may be anybody's. The last one is NixOS's.
    private static let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/wrappers/bin"]

    /// What this host has for a user. Nothing is tried: whether the programs do it is up to them.
    public static func of(user: UInt32, group: UInt32) throws(Shortage) -> SubordinateIdentities {
        let userHelper = try helper("newuidmap"), groupHelper = try helper("newgidmap")
        let name = UserDatabase.host.entry(uid: user)?.name
        guard let users = IdentityMap(user, subordinates: ranges(userFile, of: name, user)) else { throw .noRange(file: userFile) }
        guard let groups = IdentityMap(group, subordinates: ranges(groupFile, of: name, user)) else { throw .noRange(file: groupFile) }
        return SubordinateIdentities(users: users, groups: groups, userHelper: userHelper, groupHelper: groupHelper)
    }

    /// The first of 65536 ids that no line of the two files has given away yet.
    public static func free() -> UInt64 {
        let lines = (contents(userFile) + "\n" + contents(groupFile)).split(separator: "\n")
        let ends = lines.compactMap { line -> UInt64? in
            let numbers = line.split(separator: ":").dropFirst().compactMap { UInt64($0) }
            return numbers.count == 2 && numbers.allSatisfy { $0 <= UInt32.max } ? numbers[0] + numbers[1] : nil
        }
        return max(100_000, ends.max() ?? 0)
    }

    private static func ranges(_ file: String, of name: String?, _ user: UInt32) -> [SubordinateRange] {
        SubordinateRange.parse(contents(file), of: name, uid: user)
    }

    private static func contents(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = (try? file.readAll(limit: 16 << 20)) ?? nil else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func helper(_ name: String) throws(Shortage) -> String {
        for folder in folders where isRoots(folder, S_IFDIR) && isRoots("\(folder)/\(name)", S_IFREG) { return "\(folder)/\(name)" }
        throw .noHelper(name)
    }

    private static func isRoots(_ path: String, _ kind: mode_t) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == kind && status.st_uid == 0 && status.st_mode & 0o022 == 0
    }
}

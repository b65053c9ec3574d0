import Glibc

/// The host's users and groups as passwd(5) and group(5) have them.
///
/// Read from the files, as container engines do: a static binary has no Name Service Switch.
public struct UserDatabase: Sendable {
    /// One line of passwd(5).
    public struct User: Equatable, Sendable {
        public let name: String
        public let uid: UInt32
        public let gid: UInt32
        public let home: String

        public init(name: String, uid: UInt32, gid: UInt32, home: String) {
            self.name = name
            self.uid = uid
            self.gid = gid
            self.home = home
        }
    }

    /// One line of group(5).
    public struct Group: Equatable, Sendable {
        public let name: String
        public let gid: UInt32
        public let members: [String]
    }

    /// The users.
    public let entries: [User]
    /// The groups.
    public let groups: [Group]

    /// The host's own, read once.
    public static let host = UserDatabase(passwd: contents("/etc/passwd"), group: contents("/etc/group"))

    /// - Parameters: the files' contents.
    public init(passwd: String, group: String) {
        entries = Self.fields(passwd, count: 7).compactMap { fields in
            guard let uid = UInt32(Self.text(fields[2])), let gid = UInt32(Self.text(fields[3])) else { return nil }
            return User(name: Self.text(fields[0]), uid: uid, gid: gid, home: Self.text(fields[5]))
        }
        groups = Self.fields(group, count: 4).compactMap { fields in
            guard let gid = UInt32(Self.text(fields[2])) else { return nil }
            return Group(name: Self.text(fields[0]), gid: gid, members: fields[3].split(separator: UInt8(ascii: ",")).map(Self.text))
        }
    }

    /// The first user of an id, or of a name.
    public func entry(uid: UInt32) -> User? { entries.first { $0.uid == uid } }
    public func entry(name: String) -> User? { entries.first { $0.name == name } }

    /// Whether a group has nobody in it but a user and root, as far as these files tell.
    public func isOwn(group: UInt32, of user: UInt32) -> Bool {
        let own = entries.filter { $0.gid == group }.map(\.uid)
        let named = groups.filter { $0.gid == group }
        let members = named.flatMap(\.members).map { entry(name: $0)?.uid }
        // A group that the files don't know is no one's.
        return !(own.isEmpty && named.isEmpty) && (own.map(Optional.some) + members).allSatisfy { $0 == user || $0 == 0 }
    }

    /// By bytes: that is what the files are, and each command reads them.
    private static func fields(_ text: String, count: Int) -> [[ArraySlice<UInt8>]] {
        Array(text.utf8).split(separator: UInt8(ascii: "\n"))
            .map { $0.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) }
            .filter { $0.count >= count }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String { String(decoding: field, as: UTF8.self) }

    private static func contents(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll(limit: 16 << 20) else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

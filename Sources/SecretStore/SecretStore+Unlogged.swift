import Glibc
import Linux

/// What happened while nobody could write to the log, as when a stack goes down whose store is locked.
///
/// All that is kept of it is a sign: an empty file in the store's folder. It says nothing to who finds it, and who forges it has the
/// log compared with what runs, no more.
extension SecretStore {
    static let unloggedName = "unlogged"
    /// A sign that somebody sees to. One who dies at it leaves it to the next; what happens meanwhile leaves another.
    static let takenUnloggedName = "unlogged.taken"

    /// Leaves the sign for whoever opens the store next. That takes no key.
    ///
    /// - Returns: false where there is no store.
    @discardableResult
    public static func leaveUnloggedSign(_ location: StoreLocation) throws(StoreError) -> Bool {
        guard let folder = try Folder.open(location.directory), try StoreHeader.read(in: folder) != nil else { return false }
        do {
            _ = try FileDescriptor.open(
                unloggedName, in: folder.descriptor.number, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: 0o600)
        } catch {
            throw .system(doing: "write to the store", error.naming(folder.path(of: unloggedName)))
        }
        try folder.synchronize()
        return true
    }

    /// Sees to the sign, if there is one and nobody else does.
    ///
    /// - Parameter find: gets what the log tells, oldest first, and returns what it should tell besides; nil where that can't be known yet.
    public func settleUnlogged(_ find: ([AuditEvent]) throws -> [AuditEvent]?) throws {
        let number = folder.descriptor.number
        func isThere(_ name: String) -> Bool { faccessat(number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }
        guard isThere(Self.unloggedName) || isThere(Self.takenUnloggedName) else { return }
        if renameat(number, Self.unloggedName, number, Self.takenUnloggedName) != 0, errno != ENOENT {
            throw StoreError.system(doing: "write to the store", SystemCallError("renameat", folder.path(of: Self.unloggedName)))
        }
        let sign = try FileDescriptor.open(Self.takenUnloggedName, in: number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        guard flock(sign.number, LOCK_EX | LOCK_NB) == 0, isThere(Self.takenUnloggedName), let events = try find(try log().filter(\.isDone).map(\.event))
        else { return }
        try audit(events)
        try folder.remove(Self.takenUnloggedName)
    }
}

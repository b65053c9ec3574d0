import Glibc
import Linux

/// What happened while nobody could write to the log, as when a stack goes down whose store is locked.
///
/// All that is kept of it is a sign: a file in the store's folder with a byte for each who left it. It says nothing to who finds it, and who
/// forges it has the log compared with what runs, no more.
extension SecretStore {
    static let unloggedName = "unlogged"
    /// A sign that somebody sees to. One who dies at it leaves it to the next; what happens meanwhile leaves another.
    static let takenUnloggedName = "unlogged.taken"

    /// A sign that was left, for who may take it back.
    public struct UnloggedSign: Equatable, Sendable {
        fileprivate let device: UInt
        fileprivate let inode: UInt
        /// In bytes. Other than one, there was a sign before.
        fileprivate let size: Int
        /// In nanoseconds since 1970. A number of a file is soon given to another one.
        fileprivate let time: Int

        fileprivate init(_ status: stat) {
            (device, inode, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
            time = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        }
    }

    /// Leaves the sign for whoever opens the store next. That takes no key.
    ///
    /// - Parameter outlivesPowerFailure: not needed where a failure of power ends what the sign stands for, too.
    /// - Returns: nil where there is no store.
    @discardableResult
    public static func leaveUnloggedSign(_ location: StoreLocation, outlivesPowerFailure: Bool = true) throws(StoreError) -> UnloggedSign? {
        guard let folder = try Folder.open(location.directory), try StoreHeader.read(in: folder) != nil else { return nil }
        var left: UnloggedSign?
        while left == nil {
            let file: FileDescriptor
            do {
                file = try FileDescriptor.open(
                    unloggedName, in: folder.descriptor.number, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: 0o600)
            } catch {
                throw .system(doing: "write to the store", error.naming(folder.path(of: unloggedName)))
            }
            // On a full disk it stays as it is, and says as much.
            _ = write(file.number, "\n", 1)
            var status = stat()
            // Whoever took it away before that byte was there has not seen that it stands for this, too.
            if fstat(file.number, &status) == 0, folder.status(of: unloggedName).map(UnloggedSign.init) == UnloggedSign(status) {
                left = UnloggedSign(status)
            }
        }
        if outlivesPowerFailure { try folder.synchronize() }
        return left
    }

    /// Takes a sign back once the log tells what it was left for; unless it stands for something else, too.
    public func takeBack(_ sign: UnloggedSign) throws(StoreError) {
        let number = folder.descriptor.number
        guard sign.size == 1 else { return }
        // Nobody who leaves one now takes it for theirs.
        if folder.status(of: Self.takenUnloggedName) == nil { renameat(number, Self.unloggedName, number, Self.takenUnloggedName) }
        guard folder.status(of: Self.takenUnloggedName).map(UnloggedSign.init) == sign else { return }
        try folder.remove(Self.takenUnloggedName)
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
        // Another one may have been put in its place meanwhile, which stands for something else.
        var own = stat()
        guard fstat(sign.number, &own) == 0, let current = folder.status(of: Self.takenUnloggedName), own.st_ino == current.st_ino else { return }
        try folder.remove(Self.takenUnloggedName)
    }
}

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

    /// A sign that was left, for who may take it back. Until this is gone nobody else sees to it.
    public final class UnloggedSign {
        fileprivate let state: SignState
        /// Locked; with it the kernel lets go of a process that dies.
        private let file: FileDescriptor

        fileprivate init(_ state: SignState, _ file: consuming FileDescriptor) {
            self.state = state
            self.file = file
        }
    }

    /// Leaves the sign for whoever opens the store next. That takes no key.
    ///
    /// - Parameter outlivesPowerFailure: not needed where a failure of power ends what the sign stands for, too.
    /// - Returns: nil where there is no store.
    @discardableResult
    public static func leaveUnloggedSign(_ location: StoreLocation, outlivesPowerFailure: Bool = true) throws(StoreError) -> UnloggedSign? {
        guard let folder = try Folder.open(location.directory), try StoreHeader.read(in: folder) != nil else { return nil }
        for _ in 0..<signAttempts {
            let file: FileDescriptor
            do {
                file = try FileDescriptor.open(
                    unloggedName, in: folder.descriptor.number, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: 0o600)
            } catch {
                throw .system(doing: "write to the store", error.naming(folder.path(of: unloggedName)))
            }
            flock(file.number, LOCK_SH | LOCK_NB)
            // On a full disk it is another one by its time.
            if write(file.number, "\n", 1) != 1 { futimens(file.number, nil) }
            // Whoever took it away before that has not seen that it stands for this, too.
            guard let state = SignState(file), state == folder.status(of: unloggedName).map(SignState.init) else { continue }
            if outlivesPowerFailure { try folder.synchronize() }
            return UnloggedSign(state, file)
        }
        throw .system(doing: "write to the store", SystemCallError("open", folder.path(of: unloggedName), code: EAGAIN))
    }

    private static let signAttempts = 100

    /// Takes a sign back once the log tells what it was left for; unless it stands for something else, too.
    public func takeBack(_ sign: UnloggedSign) throws(StoreError) {
        let number = folder.descriptor.number
        guard sign.state.size == 1 else { return }
        // Nobody who leaves one now takes it for theirs. Another may have been taken to be seen to: then this one stays.
        try? Linux.rename(Self.unloggedName, toFree: Self.takenUnloggedName, in: number)
        guard folder.status(of: Self.takenUnloggedName).map(SignState.init) == sign.state else { return }
        try folder.remove(Self.takenUnloggedName)
    }

    /// Sees to the sign, if there is one and nobody else does.
    ///
    /// - Parameter find: gets what the log tells, oldest first, and returns what it should tell besides, and whether that is all: what can't
    ///   be known yet is left to the next.
    public func settleUnlogged(_ find: ([AuditEvent]) throws -> (events: [AuditEvent], isAll: Bool)) throws {
        let number = folder.descriptor.number
        func isThere(_ name: String) -> Bool { faccessat(number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }
        guard isThere(Self.unloggedName) || isThere(Self.takenUnloggedName) else { return }
        if renameat(number, Self.unloggedName, number, Self.takenUnloggedName) != 0, errno != ENOENT {
            throw StoreError.system(doing: "write to the store", SystemCallError("renameat", folder.path(of: Self.unloggedName)))
        }
        let sign = try FileDescriptor.open(Self.takenUnloggedName, in: number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        guard flock(sign.number, LOCK_EX | LOCK_NB) == 0, isThere(Self.takenUnloggedName) else { return }
        for _ in 0..<Self.settlingAttempts {
            let entries = try log()
            let (events, isAll) = try find(entries.filter(\.isDone).map(\.event))
            // A right that was given meanwhile, and looked for before, would be said to have ended.
            guard try audit(events, ifNewestIs: entries.last?.sequence ?? 0) else { continue }
            // Another one may have been put in its place meanwhile, which stands for something else.
            var own = stat()
            guard isAll, fstat(sign.number, &own) == 0, let current = folder.status(of: Self.takenUnloggedName), own.st_ino == current.st_ino else { return }
            return try folder.remove(Self.takenUnloggedName)
        }
    }

    private static let settlingAttempts = 3

    /// What tells one sign from others, and one that somebody has added to from before.
    fileprivate struct SignState: Equatable {
        private let device: UInt
        private let inode: UInt
        /// In bytes. Other than one, there was a sign before.
        let size: Int
        /// In nanoseconds since 1970. A number of a file is soon given to another one.
        private let time: Int

        init(_ status: stat) {
            (device, inode, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
            time = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        }

        init?(_ file: borrowing FileDescriptor) {
            var status = stat()
            guard fstat(file.number, &status) == 0 else { return nil }
            self.init(status)
        }
    }
}

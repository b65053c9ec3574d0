import Glibc
import Linux

/// The folder that a store is to have, and one beside it in which a backup is unpacked.
struct RestorationPlace: ~Copyable {
    private static let marker = ".restoring-"

    private let parent: FileDescriptor
    /// Without a link at its end.
    private let directory: String

    private var name: String { Paths.lastComponent(of: directory) }

    static func open(_ directory: String) throws(StoreError) -> RestorationPlace {
        // Where a link leads to the store's folder, it is that one that is replaced.
        let directory = realPath(directory) ?? directory
        let above = Paths.directory(of: directory)
        let parent = try StoreError.wrapping { () throws(SafePathError) in try SafePath.open(above, create: true, durably: true) }
        guard let parent else {
            throw .system(doing: "open the store's folder", SystemCallError("openat2", above, code: ENOENT))
        }
        return RestorationPlace(parent: parent, directory: directory)
    }

    /// Makes the new folder, which is locked (flock(2)) as long as it is held open, after removing what restores that were cut short have left.
    func makeStaging() throws(StoreError) -> Folder {
        removeLeftovers()
        let path = directory + Self.marker + Identifier.random().hexadecimal
        guard mkdirat(parent.number, Paths.lastComponent(of: path), 0o700) == 0 else {
            throw .system(doing: "make the folder", SystemCallError("mkdirat", path))
        }
        guard let staging = try Folder.open(path), flock(staging.descriptor.number, LOCK_EX | LOCK_NB) == 0 else {
            throw .system(doing: "open the folder", SystemCallError("openat2", path))
        }
        return staging
    }

    /// What restores that were cut short have left beside a store: its new folder, or its old one.
    static func leftovers(of directory: String) -> [String] {
        guard let parent = try? FileDescriptor.open(Paths.directory(of: directory), O_RDONLY | O_DIRECTORY) else { return [] }
        let start = Paths.lastComponent(of: directory) + marker
        return DirectoryListing.names(in: parent.number).filter { $0.hasPrefix(start) }.sorted()
    }

    private func removeLeftovers() {
        for name in Self.leftovers(of: directory) {
            guard let folder = try? FileDescriptor.open(name, in: parent.number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                flock(folder.number, LOCK_EX | LOCK_NB) == 0
            else { continue }
            try? FileTree.remove(name, in: parent.number)
        }
    }

    /// Whether there is no store, nor what may be left of one.
    static func isFree(_ directory: String) throws(StoreError) -> Bool {
        guard let folder = try Folder.open(directory) else { return true }
        guard try StoreHeader.read(in: folder) == nil else { return false }
        guard let objects = try folder.subfolder(Folder.objectsName) else { return true }
        return try objects.names().isEmpty
    }

    /// Waits until nobody gets new values for the store that is there, if one is, or writes to it.
    ///
    /// - Parameter onWait: called where somebody gets new values.
    func lockOldStore(onWait: () -> Void) throws(StoreError) -> OldStore {
        guard let folder = try Folder.open(directory) else { return OldStore(lock: nil, hold: nil) }
        let hold = try RenewalHold.take(in: folder, onWait: onWait)
        return OldStore(lock: try StoreLock.acquire(in: folder), hold: hold)
    }

    /// Puts the new folder in the place of the old one, which then has the new one's name.
    func exchange(_ staging: borrowing Folder) throws(StoreError) {
        let stagingName = Paths.lastComponent(of: staging.path)
        do {
            let number = parent.number
            if faccessat(number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
                try Linux.exchange(stagingName, name, in: number)
            } else {
                try retryingInterrupts("renameat") { renameat(number, stagingName, number, name) }
            }
            let readable = try FileDescriptor.open(".", in: number, O_RDONLY | O_DIRECTORY)
            try retryingInterrupts("fsync") { fsync(readable.number) }
        } catch {
            guard [EINVAL, EBUSY, EXDEV, ENOSYS].contains(error.code) else {
                throw .system(doing: "put the restored store in its place", error.naming(directory))
            }
            throw .invalid(
                "\(directory) can't be replaced at once here (\(String(cString: strerror(error.code)))): a mount point, or a file system "
                    + "without that; move what is in the way to another place, and restore again")
        }
    }

    /// Removes the folder beside the store, whichever it is by now.
    func remove(_ staging: borrowing Folder) {
        try? FileTree.remove(Paths.lastComponent(of: staging.path), in: parent.number)
    }
}

/// The store that is being replaced, if there is one.
struct OldStore: ~Copyable {
    private let lock: StoreLock?
    private let hold: RenewalHold?

    fileprivate init(lock: consuming StoreLock?, hold: RenewalHold?) {
        self.lock = lock
        self.hold = hold
    }

    /// Has whoever waits for the store see that another one is in its place.
    borrowing func markUnfinished() { lock?.markUnfinished() }

    borrowing func release() {
        lock?.release()
        hold?.release()
    }
}

import Glibc
import Linux

/// The right to get new values for the secrets of a store by what can't be asked twice: a generator, a program that changes a password
/// somewhere. Two that did it at once would leave the store with one value and the world with another.
///
/// It is flock(2) on the store's folder, which nothing else locks, and ends with this value or its process. Commits and readers
/// go on meanwhile. Whoever also waits for the lock of a stack has given it back before.
public final class RenewalHold {
    private let folder: Folder

    fileprivate init(_ folder: consuming Folder) {
        self.folder = folder
    }

    /// Waits for the right to the store of a folder.
    static func take(in folder: borrowing Folder, onWait: () -> Void) throws(StoreError) -> RenewalHold {
        guard let own = try folder.reopened() else { throw .replaced(directory: folder.path) }
        do {
            let number = own.descriptor.number
            if flock(number, LOCK_EX | LOCK_NB) != 0 {
                onWait()
                _ = try retryingInterrupts("flock", on: own.path) { flock(number, LOCK_EX) }
            }
        } catch {
            throw .system(doing: "wait for other renewals", error)
        }
        let hold = RenewalHold(own)
        // A restore, which has it too, may have put another one there.
        try hold.folder.checkIsInPlace()
        return hold
    }

    /// Gives the right back, once what was got is stored.
    public func release() {
        // Closing would do, were there no other descriptor for the same open file; forking makes one.
        flock(folder.descriptor.number, LOCK_UN)
    }

    deinit { release() }
}

extension SecretStore {
    /// Waits until nobody else gets new values for secrets of this store.
    ///
    /// - Parameter onWait: called where that takes a while.
    /// - Throws: `replaced` where another store is in this one's place by then.
    public func holdRenewals(onWait: () -> Void = {}) throws(StoreError) -> RenewalHold {
        try RenewalHold.take(in: folder, onWait: onWait)
    }
}

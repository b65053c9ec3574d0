import Linux
import SecretMemory

/// Putting a backup in the place of a store.
///
/// All of it is written into a new folder beside the store's and checked there. Then the two folders are exchanged at once, and
/// the old one is removed: a crash at any instruction leaves the old store or the new one.
public struct Restoration {
    /// Whether a store that is there may be replaced.
    public let replaces: Bool
    /// What opens the backup, by the key slots that the store had then.
    public let unlocker: StoreUnlocker
    /// Called where it waits for somebody who gets new values for the store that is there.
    public let onWait: () -> Void

    public init(replaces: Bool, unlocker: StoreUnlocker, onWait: @escaping () -> Void = {}) {
        self.replaces = replaces
        self.unlocker = unlocker
        self.onWait = onWait
    }

    /// Restores a store.
    ///
    /// - Parameters:
    ///   - file: the backup, at its beginning; a pipe will do.
    ///   - name: of the file, for messages.
    /// - Returns: the restored store, open.
    /// - Throws: `invalid` where there is a store that may not be replaced; `locked` and its like where nothing opens the backup; `damagedBackup`.
    ///   Then nothing has changed.
    @discardableResult
    public func restore(
        _ file: consuming FileDescriptor, name: String, to location: StoreLocation
    ) throws(StoreError) -> SecretStore {
        let isFree = try RestorationPlace.isFree(location.directory)
        guard replaces || isFree else {
            throw .invalid("there is a store in \(location.directory) already; use --force to replace it")
        }
        let source = BackupSource(file, name: name)
        let header = try source.header()
        let opened = try open(header, name: name, to: location)
        let place = try RestorationPlace.open(location.directory)
        let staging = try place.makeStaging()
        defer { place.remove(staging) }
        try BackupUnpacking.unpack(source, header, dataKeys: opened.dataKeys, into: staging)
        let restored = try SecretStore.staged(at: location, in: staging, opened)
        try restored.verifyRestored(name)
        // From here on nobody writes to the old store; who waits to do so finds then that it isn't in its place any more.
        let old = try place.lockOldStore(onWait: onWait)
        defer { old.release() }
        // The log tells of the backup itself only after it: of two heads of one generation, too, the one that is kept apart is the newer.
        let head = try restored.makeNewest(AuditEvent(.restored, detail: "from \(name)"), isOlder: true)
        old.markUnfinished()
        // The backup's data key may be an older one, which is let in again.
        if let present = try KeptHead.read(location, store: header.store) {
            try KeptHead.admit(head.keys[0], besides: present.keys, location, store: header.store)
        }
        try place.exchange(staging)
        try KeptHead.write(head, location, store: header.store, durably: true)
        guard let store = try SecretStore.open(location, with: unlocker) else { throw .replaced(directory: location.directory) }
        return store
    }

    /// Opens a backup, of which no command can be told that it is locked: there is none to unlock it with.
    private func open(_ header: StoreHeader, name: String, to location: StoreLocation) throws(StoreError) -> OpenedHeader {
        do {
            return try header.unlock(location, unlocker, file: name)
        } catch {
            let failures: [String]
            switch error {
            case .locked(_, let tried): failures = tried
            case .keyMissing(let keyFile, _): failures = ["the key file \(keyFile) is not there"]
            case .foreignKey(let keyFile, _): failures = ["no slot has the key file \(keyFile)"]
            default: throw error
            }
            throw .lockedBackup(
                file: name, failures: failures,
                takesPassphrase: header.slots.contains { if case .passphrase = $0.kind { true } else { false } })
        }
    }
}

extension SecretStore {
    /// Checks everything but what is kept apart of the store, which may know a newer one.
    fileprivate func verifyRestored(_ name: String) throws(StoreError) {
        var report = StoreReport()
        try verify(&report, hasHistory: false)
        guard report.damages.isEmpty, report.leftovers.isEmpty else { throw .damagedBackup(file: name) }
    }
}

import Glibc
import Linux
import SecretMemory

/// The encrypted local store of secrets, and of each stack as it was last applied.
///
/// Use. `open` or `openOrCreate` a store, look at its `snapshot()`, `read` values, and `commit` a set
/// of `StoreChanges`, which takes effect as a whole or not at all:
///
///     let store = try SecretStore.openOrCreate(StoreLocation(directory: …, keyFile: …))
///     var changes = StoreChanges()
///     changes.createSecret("db_password", source: "file ./db_password.txt", value: value)
///     try store.commit(changes)
///     let value = try store.read("db_password")
///
/// Files. A store is a folder (mode 0700) of
///
///     header          plain text: format, store id, key slots        see `StoreHeader`
///     index           sealed: names, labels, versions, stacks        see `IndexContent`, `Index`
///     objects/ID      sealed: one value or one stack record each     see `Sealing`
///     log-ID          sealed: what was done, by whom, when           see `AuditLog`
///     lock            empty while a commit is under way              see `StoreLock`
///     unlogged        the log has something to catch up with         see `settleUnlogged`
///
/// Without a key they tell how many values there are, how long each one is, and when it was written;
/// nothing else. Each object is sealed on its own and bound to this store, its own name and its kind:
/// one that was changed, cut short or swapped does not open, and the others still do. An old index or a
/// whole old folder put back by someone who can write to it shows by what is kept beside the key file: see `KeptHead`.
///
/// Key management. All is sealed under one random data key, which the header has once for each key slot: a key file,
/// a passphrase, or what a command prints opens a slot, and so the store (`StoreUnlocker`). Slots are added and removed, and
/// `rekey` seals everything under a new data key. There is no way back without any of them. Keys and values live in `SecretBytes`.
///
/// Copies. `verify` opens everything; `backup` writes it into one sealed file, and a `Restoration` puts that in the place of a store.
///
/// Concurrency. Writers, of which one at a time holds the lock, write new objects through to the disk
/// and then replace the index by rename(2); that rename is the commit. Readers take no lock: they have
/// the index that they opened, and look again when an object of it has been swept away since.
///
/// Compatibility. A store written in any format so far can be read and written by every later stackup. A store
/// in a later format is refused by an earlier stackup, which leaves it as it is. Kinds of key slot can
/// be added within a format: unknown ones are kept and passed over.
public final class SecretStore {
    let location: StoreLocation
    let folder: Folder
    let objects: Folder
    /// What opened the store.
    public let opening: StoreOpening
    /// What is wrong with the default key file, where that is there and something else opened the store.
    public let keyFileProblem: StoreError?
    let opener: StoreOpener
    private(set) var header: StoreHeader
    private(set) var dataKey: SecretBytes
    /// The other one of two data keys that the header holds, while a rekey is under way or after one that was cut short.
    private var otherDataKey: SecretBytes?
    private(set) var fingerprintKey: SecretBytes
    var loaded: LoadedIndex?
    /// Whether a store that is older than what is kept apart of it, and a header that it didn't write last, are taken as they are:
    /// by who is about to say what is wrong with them.
    var acceptsOlder = false

    private init(
        location: StoreLocation, folder: consuming Folder, objects: consuming Folder, opened: consuming OpenedHeader
    ) throws(StoreError) {
        self.location = location
        self.folder = folder
        self.objects = objects
        opening = opened.opening
        keyFileProblem = opened.keyFileProblem
        header = opened.header
        do {
            fingerprintKey = try opened.dataKeys.newest.derivingFingerprintKey()
            dataKey = try opened.dataKeys.newest.copied()
            otherDataKey = try opened.dataKeys.previous?.copied()
        } catch {
            throw .system(doing: "derive a key", error)
        }
        opener = opened.opener
    }

    /// Opens a store that is there. Never creates anything.
    ///
    /// - Parameter unlocker: by what means, where the default key file doesn't open it.
    /// - Returns: nil where there is no store yet.
    /// - Throws: `StoreError` where there was one and is none any more, where the folder or the key file could be read or replaced by others, where
    ///   the key is missing or another store's, where it is locked, and where the header is damaged.
    public static func open(
        _ location: StoreLocation, with unlocker: StoreUnlocker = StoreUnlocker()
    ) throws(StoreError) -> SecretStore? {
        guard let folder = try Folder.open(location.directory) else {
            try refuseLostStore(at: location)
            return nil
        }
        guard let header = try StoreHeader.read(in: folder) else {
            try refuseLostHeader(in: folder)
            try refuseLostStore(at: location)
            return nil
        }
        guard let objects = try folder.subfolder(Folder.objectsName) else {
            throw .damaged(file: folder.path(of: Folder.objectsName), what: .missing)
        }
        let opened = try header.unlock(location, unlocker, file: folder.path(of: StoreHeader.fileName))
        return try SecretStore(
            location: location, folder: folder, objects: objects, opened: opened)
    }

    /// A store that isn't in its place yet, or that may be older than what is kept apart of it.
    static func staged(
        at location: StoreLocation, in folder: borrowing Folder, _ opened: consuming OpenedHeader
    ) throws(StoreError) -> SecretStore {
        guard let own = try folder.reopened(), let objects = try folder.subfolder(Folder.objectsName) else {
            throw .damaged(file: folder.path(of: Folder.objectsName), what: .missing)
        }
        let store = try SecretStore(location: location, folder: own, objects: objects, opened: opened)
        store.acceptsOlder = true
        return store
    }

    /// Opens a store, and makes it, with its key file where that is missing too, on first use.
    ///
    /// - Throws: as `open`, and where a folder or file can't be made.
    public static func openOrCreate(
        _ location: StoreLocation, with unlocker: StoreUnlocker = StoreUnlocker()
    ) throws(StoreError) -> SecretStore {
        if let store = try open(location, with: unlocker) { return store }
        try create(location, with: .keyFile(location.keyFile))
        guard let store = try open(location, with: unlocker) else {
            throw .damaged(file: location.directory + "/" + StoreHeader.fileName, what: .missing)
        }
        return store
    }

    /// Makes a store. The header comes last: a folder without one is no store yet, and making it starts over.
    ///
    /// - Parameter slot: its first key slot.
    /// - Returns: false where somebody else made it meanwhile.
    @discardableResult
    public static func create(_ location: StoreLocation, with slot: consuming NewKeySlot) throws(StoreError) -> Bool {
        guard let folder = try Folder.open(location.directory, creating: true) else {
            throw .system(doing: "open the store's folder", SystemCallError("openat2", location.directory, code: ENOENT))
        }
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        // Someone else may have made it while we waited.
        guard try StoreHeader.read(in: folder) == nil else { return false }
        try refuseLostHeader(in: folder)
        _ = try folder.subfolder(Folder.objectsName, creating: true)

        let prepared = try PreparedSlot(slot, for: location)
        let store = Identifier.random()
        let header: StoreHeader
        let index: [UInt8]
        do {
            let dataKeys = DataKeys(newest: try SecretBytes.randomKey())
            let keyRing = try KeyRing().noting(headerNumber: 1)
            header = try StoreHeader(
                store: store, slots: [prepared.slot(holding: dataKeys, sender: keyRing, store: store)], number: 1, dataKeys: dataKeys)
            index = IndexContent.sealed(Index(), keyRing: keyRing, under: dataKeys.newest, store: store)
        } catch {
            throw .system(doing: "make a key", error)
        }
        try prepared.note?.write(location, prepared.identifier)
        try folder.replace(Index.fileName, with: index)
        try folder.replace(StoreHeader.fileName, with: Array(header.text.utf8))
        return true
    }

    /// A folder with objects but no header is a store that lost it. A new header would lose the objects too.
    private static func refuseLostHeader(in folder: borrowing Folder) throws(StoreError) {
        guard let objects = try folder.subfolder(Folder.objectsName) else { return }
        guard try objects.names().isEmpty else {
            throw .damaged(file: folder.path(of: StoreHeader.fileName), what: .missing)
        }
    }

    /// A disk that isn't mounted, or a folder that was moved away, must not look as if nothing had ever been stored: the next command would make
    /// a new store beside the old one's key.
    public static func refuseLostStore(at location: StoreLocation) throws(StoreError) {
        guard let head = KeptHead.any(location) else { return }
        throw .lost(directory: location.directory, head: head)
    }

    /// The keyed hash by which a value is recognised: equal exactly where the values are equal.
    ///
    /// - Returns: 16 characters of hexadecimal. They say nothing without the store's key.
    public func fingerprint(of value: borrowing SecretBytes) -> String {
        digest(of: value).description
    }

    /// The keyed hash by which a configuration is recognised, as `fingerprint(of:)`, but the same after a rekey.
    public func configurationHash(of configuration: borrowing SecretBytes) throws(StoreError) -> String {
        _ = try currentIndex()
        guard let ring = loaded?.keyRing else { return fingerprint(of: configuration) }
        return ring.withConfigurationKey { Fingerprint(of: configuration, under: $0) }.description
    }

    func digest(of value: borrowing SecretBytes) -> Fingerprint {
        Fingerprint(of: value, under: fingerprintKey)
    }

    /// Makes the other data key the current one.
    ///
    /// - Returns: false where there is only one.
    func useOtherDataKey() throws(SystemCallError) -> Bool {
        guard var other = otherDataKey.take() else { return false }
        swap(&dataKey, &other)
        otherDataKey = consume other
        fingerprintKey = try dataKey.derivingFingerprintKey()
        return true
    }

    /// Reads the header again, where another command has written one.
    ///
    /// - Returns: whether it is another one.
    func refreshHeader() throws(StoreError) -> Bool {
        guard let newest = try StoreHeader.read(in: folder), newest.store == header.store else {
            throw .replaced(directory: location.directory)
        }
        guard newest != header else { return false }
        do {
            guard let keys = try opener.dataKeys(in: newest) else { throw StoreError.replaced(directory: location.directory) }
            try adopt(newest, keys)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .system(doing: "unwrap the data key", error as! SystemCallError)
        }
        return true
    }

    /// Makes a header that was just read or written the one in memory.
    func adopt(_ header: StoreHeader, _ keys: consuming DataKeys) throws(SystemCallError) {
        fingerprintKey = try keys.newest.derivingFingerprintKey()
        dataKey = try keys.newest.copied()
        otherDataKey = try keys.previous?.copied()
        self.header = header
    }
}

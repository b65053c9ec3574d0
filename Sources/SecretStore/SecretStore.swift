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
///     index           sealed: names, labels, versions, stacks        see `Index`
///     objects/ID      sealed: one value or one stack record each     see `Sealing`
///     lock            empty but while a commit is under way          see `StoreLock`
///
/// Without the key they tell how many values there are, how long each one is, and when it was written;
/// nothing else. Each object is sealed on its own and bound to this store, its own name and its kind:
/// one that was changed, cut short or swapped does not open, and the others still do. An old index or
/// a whole old folder put back by someone who can write to it is not noticed: the seal knows no time.
///
/// Key management. All is sealed under one random data key, which lies in the header, wrapped once
/// per key slot. Today's one kind of slot is the key file, 32 random bytes that are kept apart from
/// the store. There is no way back from a lost key file. Keys and values live in `SecretBytes`.
///
/// Concurrency. Writers, of which one at a time holds the lock, write new objects through to the disk
/// and then replace the index by rename(2); that rename is the commit. Readers take no lock: they have
/// the index that they opened, and look again when an object of it has been swept away since.
///
/// Compatibility. A store written in format 1 can be read and written by every later stackup. A store
/// in a later format is refused by an earlier stackup, which leaves it as it is. Kinds of key slot can
/// be added within a format: unknown ones are kept and passed over.
public final class SecretStore {
    let location: StoreLocation
    let folder: Folder
    let objects: Folder
    let header: StoreHeader
    let dataKey: SecretBytes
    let fingerprintKey: SecretBytes
    var loaded: LoadedIndex?
    /// Whether a store that is older than what is kept apart of it may be opened.
    var acceptsOlder = false

    private init(
        location: StoreLocation, folder: consuming Folder, objects: consuming Folder, header: StoreHeader,
        dataKey: consuming SecretBytes
    ) throws(StoreError) {
        self.location = location
        self.folder = folder
        self.objects = objects
        self.header = header
        do {
            fingerprintKey = try dataKey.derivingFingerprintKey()
        } catch {
            throw .system(doing: "derive a key", error)
        }
        self.dataKey = dataKey
    }

    /// Opens a store that is there. Never creates anything.
    ///
    /// - Returns: nil where there is no store yet.
    /// - Throws: `StoreError` where the folder or the key file could be read or replaced by others, where
    ///   the key is missing or another store's, and where the header is damaged.
    public static func open(_ location: StoreLocation) throws(StoreError) -> SecretStore? {
        guard let folder = try Folder.open(location.directory) else { return nil }
        guard let header = try StoreHeader.read(in: folder) else {
            try refuseLostHeader(in: folder)
            return nil
        }
        guard let objects = try folder.subfolder(Folder.objectsName) else {
            throw .damaged(file: folder.path(of: Folder.objectsName), what: .missing)
        }
        guard let key = try KeyFile.read(location.keyFile) else {
            throw .keyMissing(keyFile: location.keyFile, directory: location.directory)
        }
        let dataKey = try header.unwrapDataKey(
            with: key, keyFile: location.keyFile, file: folder.path(of: StoreHeader.fileName))
        return try SecretStore(
            location: location, folder: folder, objects: objects, header: header, dataKey: dataKey)
    }

    /// Opens a store, and makes it, with its key file where that is missing too, on first use.
    ///
    /// - Throws: as `open`, and where a folder or file can't be made.
    public static func openOrCreate(_ location: StoreLocation) throws(StoreError) -> SecretStore {
        if let store = try open(location) { return store }
        try create(location)
        guard let store = try open(location) else {
            throw .damaged(file: location.directory + "/" + StoreHeader.fileName, what: .missing)
        }
        return store
    }

    /// Makes a store. The header comes last: a folder without one is no store yet, and making it starts over.
    private static func create(_ location: StoreLocation) throws(StoreError) {
        guard let folder = try Folder.open(location.directory, creating: true) else {
            throw .system(doing: "open the store's folder", SystemCallError("openat2", location.directory, code: ENOENT))
        }
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        // Someone else may have made it while we waited.
        guard try StoreHeader.read(in: folder) == nil else { return }
        try refuseLostHeader(in: folder)
        _ = try folder.subfolder(Folder.objectsName, creating: true)

        let key = try KeyFile.readOrCreate(location.keyFile)
        let store = Identifier.random()
        let header: StoreHeader
        let index: [UInt8]
        do {
            let dataKey = try SecretBytes.randomKey()
            header = StoreHeader(store: store, slots: [.wrapping(dataKey, under: key, store: store)])
            index = IndexContent.sealed(
                Index(), keyRing: try KeyRing(), under: dataKey, store: store)
        } catch {
            throw .system(doing: "make a key", error)
        }
        try folder.replace(Index.fileName, with: index)
        try folder.replace(StoreHeader.fileName, with: Array(header.text.utf8))
    }

    /// A folder with objects but no header is a store that lost it. A new header would lose the objects too.
    private static func refuseLostHeader(in folder: borrowing Folder) throws(StoreError) {
        guard let objects = try folder.subfolder(Folder.objectsName) else { return }
        guard try objects.names().isEmpty else {
            throw .damaged(file: folder.path(of: StoreHeader.fileName), what: .missing)
        }
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
}

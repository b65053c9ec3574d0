import Glibc
import Linux
import SecretMemory

/// Reading, which waits for nobody.
extension SecretStore {
    /// Swarm's limit for a secret, and ours: 500 KiB.
    public static let valueLimit = 500 * 1024
    /// The limit for a stack's record, in bytes.
    public static let recordLimit = 64 << 20

    /// What the store holds now. A snapshot never changes; ask again to see what others have committed.
    ///
    /// - Throws: `StoreError.damaged` naming the index where it can't be opened.
    public func snapshot() throws(StoreError) -> StoreSnapshot {
        try refresh()
        return StoreSnapshot(index: try currentIndex())
    }

    /// A secret's value.
    ///
    /// - Parameters:
    ///   - name: the secret's name in the store.
    ///   - version: its number; nil for the newest one as of the last `snapshot()` or commit.
    ///   - identity: where it has to be that version, and no other of the same number.
    /// - Throws: `noSuchSecret`, `noSuchVersion`, or `damaged`, which concerns only this value.
    public func read(_ name: String, version: Int? = nil, identity: VersionIdentity? = nil) throws(StoreError) -> SecretBytes {
        while true {
            let index = try currentIndex()
            if let secret = index.secret(name) {
                guard let wanted = version == nil ? secret.newest : secret.version(version!), identity ?? wanted.identity == wanted.identity else {
                    if try refresh() { continue }
                    throw .noSuchVersion(secret: name, version: version ?? secret.newest.number)
                }
                if let sealed = try readObject(wanted.object, limit: Self.valueLimit) {
                    return try open(sealed, wanted.object, .secretValue)
                }
                if try !refresh() { throw .damaged(file: path(of: wanted.object), what: .missing) }
            } else if try !refresh() {
                throw .noSuchSecret(name)
            }
        }
    }

    /// An object of the index, unsealed.
    ///
    /// - Throws: `damaged`, also where its file is gone.
    func plaintext(of object: Identifier, _ kind: Binding.Kind) throws(StoreError) -> SecretBytes {
        try open(try sealedObject(object, kind), object, kind)
    }

    /// The same, still sealed.
    func sealedObject(_ object: Identifier, _ kind: Binding.Kind) throws(StoreError) -> [UInt8] {
        let limit = kind == .stackRecord ? Self.recordLimit : Self.valueLimit
        guard let sealed = try readObject(object, limit: limit) else { throw .damaged(file: path(of: object), what: .missing) }
        return sealed
    }

    func open(_ sealed: [UInt8], _ object: Identifier, _ kind: Binding.Kind) throws(StoreError) -> SecretBytes {
        let value: SecretBytes?
        do {
            value = try Sealing.openGuarded(
                sealed, under: dataKey, as: Binding(store: header.store, object: object, kind: kind))
        } catch {
            throw .system(doing: "read the secret", error)
        }
        guard let value else { throw .damaged(file: path(of: object), what: .broken) }
        return value
    }

    /// What `putStackRecord` stored for a stack, or nil where there is nothing.
    public func stackRecord(_ stack: String) throws(StoreError) -> [UInt8]? {
        try refresh()
        while true {
            guard let object = try currentIndex().stackRecord(stack) else { return nil }
            if let sealed = try readObject(object, limit: Self.recordLimit) {
                let binding = Binding(store: header.store, object: object, kind: .stackRecord)
                guard let record = Sealing.open(sealed[...], under: dataKey, as: binding) else {
                    throw .damaged(file: path(of: object), what: .broken)
                }
                return record
            }
            if try !refresh() { throw .damaged(file: path(of: object), what: .missing) }
        }
    }

    /// The sealed bytes of an object; nil where its file is gone, as it is once another command's commit
    /// has replaced it.
    private func readObject(_ object: Identifier, limit: Int) throws(StoreError) -> [UInt8]? {
        guard let file = try objects.read(object.hexadecimal, limit: limit + Sealing.overhead) else { return nil }
        return file.bytes
    }

    func path(of object: Identifier) -> String {
        objects.path(of: object.hexadecimal)
    }
}

/// The index as it was read, with its file kept open: as long as it is, no later index can have the
/// same inode number, so that number alone tells whether the index has been replaced since.
final class LoadedIndex {
    let index: Index
    /// The key ring in front of it; nil in format 1.
    let keyRing: KeyRing?
    let file: FileDescriptor
    let inode: ino_t

    init(index: Index, keyRing: KeyRing?, file: consuming FileDescriptor) throws(SystemCallError) {
        self.index = index
        self.keyRing = keyRing
        inode = try file.status().st_ino
        self.file = file
    }
}

extension SecretStore {
    /// The index in memory, read on first use.
    func currentIndex() throws(StoreError) -> Index {
        if loaded == nil { try load() }
        return loaded!.index
    }

    /// Reads the index again where it has been replaced, and says whether it has.
    @discardableResult
    func refresh() throws(StoreError) -> Bool {
        guard let inode = loaded?.inode else {
            try load()
            return true
        }
        var status = stat()
        if fstatat(folder.descriptor.number, Index.fileName, &status, AT_SYMLINK_NOFOLLOW) == 0,
            status.st_ino == inode
        {
            return false
        }
        try load()
        return true
    }

    private func load() throws(StoreError) {
        while true {
            // Before the index: then what it knows can't be newer, unless the store is older than it was.
            let kept = try KeptHead.read(location, store: header.store)
            guard let file = try folder.read(Index.fileName, limit: Index.sizeLimit + KeyRing.sealedCount + Sealing.overhead) else {
                throw .damaged(file: folder.path(of: Index.fileName), what: .missing)
            }
            let content = try open(file.bytes)
            // The header in memory may be older than the index: then there is a newer one.
            guard let content, try isNewest(content.keyRing) else {
                if try refreshHeader() { continue }
                throw content == nil
                    ? .damaged(file: folder.path(of: Index.fileName), what: .broken)
                    : .changedHeader(file: folder.path(of: StoreHeader.fileName))
            }
            guard let index = content.index else {
                throw .damaged(file: folder.path(of: Index.fileName), what: .malformed)
            }
            if !acceptsOlder, let kept, try isOlder(index, than: kept) {
                if try isReplaced(file.descriptor) { continue }
                throw .rolledBack(directory: location.directory, head: KeptHead.path(location, store: header.store))
            }
            return try remember(index, keyRing: content.keyRing, in: file.releaseDescriptor())
        }
    }

    /// Whether another index has taken the place of the one in a file.
    private func isReplaced(_ file: borrowing FileDescriptor) throws(StoreError) -> Bool {
        var present = stat()
        guard fstatat(folder.descriptor.number, Index.fileName, &present, AT_SYMLINK_NOFOLLOW) == 0 else { return true }
        return try Folder.status(of: file, folder.path(of: Index.fileName)).st_ino != present.st_ino
    }

    /// Whether an index that was just read is older than a head that was read before it, or sealed under an older data key.
    func isOlder(_ index: Index, than kept: KeptHead) throws(StoreError) -> Bool {
        guard kept.isNewer(than: index, under: dataKey) else { return false }
        // A rekey may have come about in between. It has let in its key before.
        let newest = try KeptHead.read(location, store: header.store)
        return kept.generation > index.generation || newest?.keys.contains(Identifier(ofKey: dataKey)) != true
    }

    /// Opens the index's file by whichever data key is its own.
    private func open(_ bytes: [UInt8]) throws(StoreError) -> IndexContent? {
        do {
            if let content = try IndexContent(opening: bytes, under: dataKey, store: header.store) { return content }
            guard try useOtherDataKey() else { return nil }
            return try IndexContent(opening: bytes, under: dataKey, store: header.store)
        } catch {
            throw .system(doing: "read a key", error)
        }
    }

    /// Whether the header in memory is the store's, and not older than a key ring says.
    private func isNewest(_ keyRing: KeyRing?) throws(StoreError) -> Bool {
        guard !acceptsOlder else { return true }
        do {
            return try headerIsAuthentic(keyRing)
        } catch {
            throw .system(doing: "check the header", error)
        }
    }

    /// The same, whatever is ignored.
    ///
    /// - Parameter keyRing: nil for an index of format 1; a header of format 2 is in front of it after an upgrade that was cut short.
    func headerIsAuthentic(_ keyRing: KeyRing?) throws(SystemCallError) -> Bool {
        let newest = keyRing?.headerNumber ?? 0
        switch header.format {
        case .two:
            guard header.number >= newest else { return false }
            return try header.isAuthentic(under: dataKey)
        case .one: return newest == 0
        }
    }

    /// Makes an index that was just read or written the one in memory.
    func remember(_ index: Index, keyRing: KeyRing?, in file: consuming FileDescriptor) throws(StoreError) {
        do {
            loaded = try LoadedIndex(index: index, keyRing: keyRing, file: file)
        } catch {
            throw .system(doing: "read the store", error.naming(folder.path(of: Index.fileName)))
        }
    }
}

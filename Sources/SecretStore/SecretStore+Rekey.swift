import Glibc
import Linux
import SecretMemory

/// A new data key for everything.
extension SecretStore {
    /// Seals every value, record and log entry anew under a new data key, which every key slot gets.
    ///
    /// Who knows the old data key, or holds a slot that was removed, can't read the store from then on (nor can they forget what they
    /// have read, or be kept from an old copy of the store). New objects are written beside the old ones; then the header has both keys, then the
    /// index is replaced, which is the moment; then the header has the new key alone; and what is old is removed last. A crash at any
    /// instruction leaves the store under the one key or the other. Readers go on reading; writers wait.
    ///
    /// - Returns: how many objects were sealed anew.
    /// - Throws: `damaged` for an object, or a log, that doesn't open; `system` where the disk is full. Then the store is as before.
    @discardableResult
    public func rekey() throws(StoreError) -> Int {
        try bringUpToDate()
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        try refresh()
        try readHeaderToReplace()
        let previous = try currentIndex()
        let keyRing = try keyRing()
        _ = try settleLog()
        let log = try lockedLog(previous)
        defer { log?.unlock() }

        lock.markUnfinished()
        let resealing = try Resealing(of: self)
        let next: Index
        do {
            next = try resealing.run(previous, log: log)
            try KeptHead.admit(resealing.keyIdentifier, besides: [Identifier(ofKey: dataKey)], location, store: header.store)
            try replaceHeader(with: header.followed(by: header.slots, holding: resealing.bothKeys(), sender: keyRing), resealing.bothKeys())
        } catch {
            resealing.undo()
            throw error is SystemCallError ? .system(doing: "keep a key", error as! SystemCallError) : error as! StoreError
        }
        do {
            // The old index is in memory and its key is not the current one any more; whatever happens, it is read again.
            loaded = nil
            try replaceIndex(with: next, noting(keyRing))
            try replaceHeader(with: header.followed(by: header.slots, holding: resealing.newKey(), sender: keyRing), resealing.newKey())
        } catch let error as SystemCallError {
            throw .system(doing: "keep a key", error)
        } catch {
            throw error as! StoreError
        }
        try keep(next.logHead)
        if sweep(after: next, released: [], everything: true) { lock.markFinished() }
        return resealing.count
    }

    /// The log, with nobody appending to it; nil where there is none yet.
    private func lockedLog(_ index: Index) throws(StoreError) -> AuditLog? {
        guard index.logHead.file != Identifier(0) else { return nil }
        guard let log = try openLog(for: .appending) else {
            throw .damaged(file: folder.path(of: AuditLog.fileName(index.logHead.file)), what: .missing)
        }
        try log.lock()
        return log
    }
}

/// The making of what a rekey puts in the place of the old objects and the old log.
private final class Resealing {
    private let store: SecretStore
    private let newest: SecretBytes
    private let fingerprintKey: SecretBytes
    private let logFile = Identifier.random()
    private let written = WrittenFiles()
    private var objects: [Identifier] = []

    init(of store: SecretStore) throws(StoreError) {
        self.store = store
        do {
            newest = try SecretBytes.randomKey()
            fingerprintKey = try newest.derivingFingerprintKey()
        } catch {
            throw .system(doing: "make a key", error)
        }
    }

    var count: Int { objects.count }

    var keyIdentifier: Identifier { Identifier(ofKey: newest) }

    func bothKeys() throws(SystemCallError) -> DataKeys {
        DataKeys(newest: try newest.copied(), previous: try store.dataKey.copied())
    }

    func newKey() throws(SystemCallError) -> DataKeys {
        DataKeys(newest: try newest.copied())
    }

    /// Writes everything through to the disk.
    ///
    /// - Returns: the index of it.
    func run(_ index: Index, log: borrowing AuditLog?) throws(StoreError) -> Index {
        var secrets: Index.Edits = [:]
        var stacks: Index.Edits = [:]
        for position in index.positions(of: .secrets) {
            guard var secret = index.secret(at: position) else { continue }
            var versions: [SecretVersion] = []
            for version in secret.versions { versions.append(try reseal(version)) }
            secret.versions = versions
            secrets[secret.name] = secret.encoded
        }
        for stack in index.stackNames {
            guard let object = index.stackRecord(stack) else { continue }
            stacks[stack] = Index.stackEntry(stack, try reseal(object, .stackRecord, as: .random()) { _ in })
        }
        try written.synchronize(store.objects)
        let generation = index.generation + 1
        return index.applying(
            secrets: secrets, stacks: stacks, logHead: try copyLog(log, generation: generation), generation: generation)
    }

    private func reseal(_ version: SecretVersion) throws(StoreError) -> SecretVersion {
        var digest = version.digest
        // What running services hold is still the same version.
        let new = Identifier.random(of: version.identity)
        let object = try reseal(version.object, .secretValue, as: new) { digest = Fingerprint(of: $0, under: fingerprintKey) }
        return version.stored(as: object, digest)
    }

    private func reseal(
        _ object: Identifier, _ kind: Binding.Kind, as new: Identifier, _ look: (borrowing SecretBytes) -> Void
    ) throws(StoreError) -> Identifier {
        let plaintext = try store.plaintext(of: object, kind)
        look(plaintext)
        let binding = Binding(store: store.header.store, object: new, kind: kind)
        objects.append(new)
        let sealed = plaintext.withUnsafeBytes { Sealing.seal($0, under: newest, as: binding) }
        written.add(try store.objects.create(new.hexadecimal, sealed), store.path(of: new))
        return new
    }

    private func copyLog(_ old: borrowing AuditLog?, generation: UInt64) throws(StoreError) -> LogHead {
        guard let new = try AuditLog.open(logFile, in: store.folder, store: store.header.store, for: .creating) else {
            throw .damaged(file: store.folder.path(of: AuditLog.fileName(logFile)), what: .missing)
        }
        try store.folder.synchronize()
        var head = LogHead()
        head.file = logFile
        switch old {
        case .some(let old): head = try old.copy(upTo: store.newestHead(), from: store.dataKey, to: new, under: newest, at: head)
        case nil: break
        }
        head = try new.append([(event: AuditEvent(.rekeyed), generation: generation)], after: head, dataKey: newest)
        try new.synchronize()
        return head
    }

    /// Removes what was written for nothing.
    func undo() {
        for object in objects { try? store.objects.remove(object.hexadecimal) }
        try? store.folder.remove(AuditLog.fileName(logFile))
    }
}

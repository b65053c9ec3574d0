import Glibc
import Linux

/// How changes become the store's new state.
extension SecretStore {
    /// Applies changes as a whole or not at all.
    ///
    /// When this returns, the changes survive a power failure. When it throws, the store is as before
    /// (should the very last step fail, writing the folder to the disk after the new index has been put
    /// in place, then readers see the new state, but a power failure might bring the old one back). A
    /// crash at any instruction leaves the one state or the other.
    ///
    /// Waits while another command commits, for half a minute at most.
    ///
    /// - Returns: the store's new state.
    /// - Throws: what a step's description says; `busy`; `damaged` where the index is; `system` where the
    ///   disk is full or failing.
    @discardableResult
    public func commit(_ changes: consuming StoreChanges) throws(StoreError) -> StoreSnapshot {
        guard !changes.isEmpty else { return try snapshot() }
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        try refresh()

        let draft = try draft(of: changes)
        let previous = try currentIndex()
        var keyRing = try keyRing()

        lock.markUnfinished()
        let new = draft.newObjects
        let next: Index
        do {
            try write(new)
            let head = try announce(firstEvents() + draft.events, generation: previous.generation + 1)
            next = draft.nextIndex(logHead: head)
            guard next.bytes.count <= Index.sizeLimit else { throw StoreError.invalid("the store is full") }
            keyRing = try settleHeader(keyRing)
        } catch {
            // The disk may be full, so nothing is left for a later sweep to find. (Should replacing the index
            // fail, they stay: it may be in place after all.)
            _ = sweep(after: previous, released: new.map(\.identifier), everything: false)
            throw error as! StoreError
        }
        let content = IndexContent.sealed(next, keyRing: keyRing, under: dataKey, store: header.store)
        let file = try folder.replace(Index.fileName, with: content)
        try remember(next, keyRing: keyRing, in: file)
        try keep(next.logHead, durably: previous.logHead.file == Identifier(0))
        if sweep(after: next, released: draft.releasedObjects, everything: lock.mayHaveLeftovers) {
            lock.markFinished()
        }
        return StoreSnapshot(index: next)
    }

    /// What a log begins with.
    private func firstEvents() throws(StoreError) -> [AuditEvent] {
        guard try currentIndex().logHead.file == Identifier(0) else { return [] }
        let format = "format \(StoreFormat.current.rawValue)"
        return [loaded?.keyRing == nil ? AuditEvent(.upgraded, detail: "to \(format)") : AuditEvent(.initialised, detail: format)]
    }

    /// The key ring that the index has; a new one for a store of format 1, which has none.
    func keyRing() throws(StoreError) -> KeyRing {
        if let ring = loaded?.keyRing { return ring }
        do {
            return try KeyRing(upgrading: dataKey)
        } catch {
            throw .system(doing: "make a key", error)
        }
    }

    private func draft(of changes: borrowing StoreChanges) throws(StoreError) -> Draft {
        var draft = Draft(
            on: try currentIndex(), now: Int64(time(nil)), uid: getuid(),
            seal: { plaintext, object, kind in
                Sealing.seal(
                    plaintext, under: self.dataKey,
                    as: Binding(store: self.header.store, object: object, kind: kind))
            },
            digest: { value in self.digest(of: value) })
        for step in changes.steps { try draft.apply(step) }
        return draft
    }

    /// Writes objects and their names through to the disk.
    private func write(_ new: [Draft.NewObject]) throws(StoreError) {
        guard !new.isEmpty else { return }
        let written = WrittenFiles()
        for object in new { written.add(try objects.create(object.identifier.hexadecimal, object.sealed), path(of: object.identifier)) }
        try written.synchronize(objects)
    }
}

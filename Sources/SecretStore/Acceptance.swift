import Glibc
import Linux

/// The way back into use for a store that is older than it was, whose header it did not write last, or whose log is damaged: only a
/// person can say that this is what they want.
extension SecretStore {
    /// Makes the store as it lies there the newest one. The log tells so; a damaged log is put aside as
    /// `damaged-log-<id>`, and a new one begun. Of a header that is not the store's own, the slot alone stays that opens the store now:
    /// nobody can say who made the others.
    ///
    /// - Returns: whether there was anything to accept.
    /// - Throws: `damaged` where the index doesn't open either.
    @discardableResult
    public func accept() throws(StoreError) -> Bool {
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        acceptsOlder = true
        defer { acceptsOlder = false }
        loaded = nil
        let index = try currentIndex()
        guard let keyRing = loaded?.keyRing, index.logHead.file != Identifier(0) else { return false }
        let kept = try? KeptHead.read(location, store: header.store)
        let isOlder = kept?.isNewer(than: index, under: dataKey) ?? false
        let isForeign = try hasForeignHeader(keyRing)
        let isWhole = try wholeLogHead(isOlder: isOlder) != nil
        guard isOlder || isForeign || !isWhole else { return false }

        lock.markUnfinished()
        if !isWhole { try putLogAside(index.logHead.file) }
        if isForeign { try keepOwnSlotAlone(keyRing) }
        let what = [(isOlder, "an older store"), (isForeign, "the header's one slot that opens it"), (!isWhole, "a damaged log")]
        let head = try makeNewest(AuditEvent(.accepted, detail: what.filter(\.0).map(\.1).joined(separator: ", ")), isOlder: isOlder)
        try KeptHead.write(head, location, store: header.store, durably: true)
        return true
    }

    /// Writes an index that is newer than any that somebody knows, with an event at the end of the log. A log that is damaged, or that isn't there,
    /// begins anew.
    ///
    /// - Parameter isOlder: whether the head that is kept apart knows more of the log than the store, and rightly so.
    /// - Returns: the head, which is not yet kept apart of the store.
    func makeNewest(_ event: AuditEvent, isOlder: Bool) throws(StoreError) -> KeptHead {
        acceptsOlder = true
        defer { acceptsOlder = false }
        let index = try currentIndex()
        let keyRing = try settleHeader(try keyRing())
        let kept = try? KeptHead.read(location, store: header.store)
        let generation = max(kept?.generation ?? 0, index.generation) + 1
        func append(to log: borrowing AuditLog, after start: LogHead) throws(StoreError) -> KeptHead {
            let head = try log.append([(event: event, generation: generation)], after: start, dataKey: dataKey)
            try log.synchronize()
            try replaceIndex(with: index.applying(secrets: [:], stacks: [:], logHead: head, generation: generation), keyRing)
            return KeptHead(generation: generation, log: head, keys: [Identifier(ofKey: dataKey)])
        }
        if index.logHead.file != Identifier(0), let log = try openLog(for: .appending) {
            try log.lock()
            defer { log.unlock() }
            // Only now: others note what they read, too.
            if let end = try wholeLogHead(isOlder: isOlder) { return try append(to: log, after: end) }
        }
        var start = LogHead()
        start.file = .random()
        guard let log = try AuditLog.open(start.file, in: folder, store: header.store, for: .creating) else {
            throw .damaged(file: folder.path(of: AuditLog.fileName(start.file)), what: .missing)
        }
        try folder.synchronize()
        try log.lock()
        defer { log.unlock() }
        return try append(to: log, after: start)
    }

    /// The end of the log where it is whole; nil where it is damaged, shorter than it was, or gone.
    func wholeLogHead(isOlder: Bool) throws(StoreError) -> LogHead? {
        let committed = try currentIndex().logHead
        do {
            guard let log = try openLog(for: .reading) else { return nil }
            // The head that is kept apart belongs to the newer store.
            let known = isOlder ? committed : try newestHead()
            var start = LogHead()
            start.file = committed.file
            let tail = try log.tail(after: start, dataKey: dataKey)
            guard tail.head.sequence >= known.sequence, try log.holds(known, dataKey: dataKey) else { return nil }
            return tail.head
        } catch {
            guard case .damaged = error else { throw error }
            return nil
        }
    }

    private func hasForeignHeader(_ keyRing: KeyRing) throws(StoreError) -> Bool {
        do {
            return try !headerIsAuthentic(keyRing)
        } catch {
            throw .system(doing: "check the header", error)
        }
    }

    private func keepOwnSlotAlone(_ keyRing: KeyRing) throws(StoreError) {
        do {
            let dataKeys = DataKeys(newest: try dataKey.copied())
            let slots = try ownSlots(keyRing)
            let next = try StoreHeader(
                store: header.store, slots: slots, number: max(header.number, keyRing.headerNumber) + 1, dataKeys: dataKeys)
            try replaceHeader(with: next, dataKeys)
        } catch let error as SystemCallError {
            throw .system(doing: "make a header", error)
        } catch {
            throw error as! StoreError
        }
    }

    /// The slot that opened the store.
    private func ownSlots(_ keyRing: KeyRing) throws(SystemCallError) -> [KeySlot] {
        let dataKeys = DataKeys(newest: try dataKey.copied())
        let own: [KeySlot]
        switch opener {
        case .slot(let unlocked): own = header.slots.filter { $0.identifier == unlocked.identifier }
        case .keyFile(let key): own = try header.upgraded(with: key, dataKey: dataKey, sender: keyRing).slots
        }
        return try own.map { slot throws(SystemCallError) in try slot.holding(dataKeys, sender: keyRing) }
    }

    private func putLogAside(_ file: Identifier) throws(StoreError) {
        let name = AuditLog.fileName(file)
        do {
            try retryingInterrupts("renameat", on: folder.path(of: name)) {
                renameat(folder.descriptor.number, name, folder.descriptor.number, AuditLog.damagedPrefix + name)
            }
        } catch {
            guard error.code == ENOENT else { throw .system(doing: "put the damaged log aside", error) }
        }
        try folder.synchronize()
    }
}

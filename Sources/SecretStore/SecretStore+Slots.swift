import Linux
import SecretMemory

/// Adding and removing ways into the store.
extension SecretStore {
    /// Adds a key slot.
    ///
    /// - Returns: the slot's id.
    /// - Throws: `invalid` for a passphrase that is too simple, and for a command that fails or prints no constant key.
    @discardableResult
    public func addSlot(_ slot: consuming NewKeySlot) throws(StoreError) -> String {
        // First of all, since it may take a second, or a person.
        let prepared = try PreparedSlot(slot, for: location)
        let identifier = prepared.identifier.hexadecimal
        try bringUpToDate()
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        try refresh()
        try readHeaderToReplace()
        guard header.slots.count < StoreHeader.slotLimit else {
            throw .invalid("a store has \(StoreHeader.slotLimit) key slots at most; remove one first")
        }
        // The log is never to lack a slot that is there: rather one too many, should this be cut short.
        try audit([AuditEvent(.slotAdded, detail: "\(prepared.kindName) \(identifier)")])
        try prepared.note?.write(location, prepared.identifier)
        let keyRing = try keyRing()
        let next: StoreHeader
        do {
            let dataKeys = DataKeys(newest: try dataKey.copied())
            let slot = try prepared.slot(holding: dataKeys, sender: keyRing, store: header.store)
            next = try header.followed(by: header.slots + [slot], holding: dataKeys, sender: keyRing)
        } catch {
            throw .system(doing: "make a key slot", error)
        }
        try replaceHeaderAndIndex(next, keyRing)
        return identifier
    }

    /// Removes a key slot. What it opened before, such as a backup, it still opens.
    ///
    /// - Parameters:
    ///   - reference: the slot's id, or an unmistakable beginning of it.
    ///   - unlocker: shows that another slot opens the store, where it was this one that did.
    /// - Returns: the slot that is gone.
    /// - Throws: `invalid` where there is no such slot, or no other slot opens the store.
    @discardableResult
    public func removeSlot(_ reference: String, provingBy unlocker: StoreUnlocker) throws(StoreError) -> KeySlotDescription {
        try bringUpToDate()
        let slot = try slot(reference, in: header)
        try proveThatAnotherSlotOpens(than: slot, unlocker)
        let proven = header.slots.map(\.identifier)
        let lock = try StoreLock.acquire(in: folder)
        defer { lock.release() }
        try refresh()
        try readHeaderToReplace()
        // Somebody may have removed the slot that was shown to open the store.
        guard header.slots.map(\.identifier) == proven else {
            throw .invalid("the store's key slots have changed meanwhile; run the command again")
        }
        let keyRing = try keyRing()
        let description = KeySlotDescription(slot, location)
        let next: StoreHeader
        do {
            next = try header.followed(
                by: header.slots.filter { $0.identifier != slot.identifier }, holding: DataKeys(newest: dataKey.copied()), sender: keyRing)
        } catch {
            throw .system(doing: "make a header", error)
        }
        guard !next.slots.isEmpty else { throw .invalid("this is the store's last key slot: without it nobody could open the store") }
        try replaceHeaderAndIndex(next, keyRing)
        try audit([AuditEvent(.slotRemoved, detail: "\(slot.kindName) \(slot.identifier.hexadecimal)")])
        try SlotNote.remove(location, slot.identifier)
        if let kept = try UnlockedKey.read(of: header.store), kept.identifier == slot.identifier {
            _ = try UnlockedKey.forget(of: header.store)
        }
        return description
    }

    private func slot(_ reference: String, in header: StoreHeader) throws(StoreError) -> KeySlot {
        let matches = header.slots.filter { $0.identifier.hexadecimal.hasPrefix(reference) }
        guard let slot = matches.first, !reference.isEmpty else {
            throw .invalid("there is no key slot '\(reference)'; 'stackup store slot ls' lists them")
        }
        guard matches.count == 1 else { throw .invalid("'\(reference)' is the beginning of several key slots' ids; give more of it") }
        return slot
    }

    private func proveThatAnotherSlotOpens(than slot: KeySlot, _ unlocker: StoreUnlocker) throws(StoreError) {
        let others = header.slots.filter { $0.identifier != slot.identifier }
        guard !others.isEmpty else { throw .invalid("this is the store's last key slot: without it nobody could open the store") }
        switch opener {
        case .slot(let unlocked) where unlocked.identifier != slot.identifier: return
        default: break
        }
        let rest = StoreHeader(store: header.store, content: .two(slots: others, number: header.number, checks: []))
        do {
            _ = try rest.unlock(location, unlocker, file: folder.path(of: StoreHeader.fileName))
        } catch {
            throw .invalid("no other key slot could be opened, and without one the store would be lost: \(error)")
        }
    }

    /// Puts a header in the place of the present one, and an index that knows it.
    private func replaceHeaderAndIndex(_ next: StoreHeader, _ keyRing: KeyRing) throws(StoreError) {
        let logHead = try settleLog()
        do {
            try replaceHeader(with: next, DataKeys(newest: dataKey.copied()))
        } catch let error as SystemCallError {
            throw .system(doing: "keep a key", error)
        } catch {
            throw error as! StoreError
        }
        let index = try currentIndex()
        try replaceIndex(
            with: index.applying(secrets: [:], stacks: [:], logHead: logHead, generation: index.generation + 1), try noting(keyRing))
        try keep(logHead)
    }

    /// Puts an index in the place of the present one.
    func replaceIndex(with next: Index, _ keyRing: KeyRing) throws(StoreError) {
        let content = IndexContent.sealed(next, keyRing: keyRing, under: dataKey, store: header.store)
        try remember(next, keyRing: keyRing, in: try folder.replace(Index.fileName, with: content))
    }

    /// Makes a store of format 1 one of format 2.
    func bringUpToDate() throws(StoreError) {
        try refresh()
        guard header.format == .one || loaded?.keyRing == nil else { return }
        var changes = StoreChanges()
        changes.note(AuditEvent(.upgraded, detail: "key slots"))
        try commit(changes)
    }
}

import Linux
import SecretMemory

/// Keeping a store open for a time.
extension SecretStore {
    /// Keeps what opens the store in the kernel's keyring, so that it opens without a key file, a command or a passphrase.
    ///
    /// - Parameter seconds: how long.
    /// - Throws: `system` where the kernel has no keyrings, or keeps them from this process.
    public func unlock(seconds: UInt32) throws(StoreError) {
        try bringUpToDate()
        switch opener {
        case .slot(let slot): try UnlockedKey.keep(slot, of: header.store, seconds: seconds)
        case .keyFile(let key): try keep(slotOf: key, seconds: seconds)
        }
        try audit([AuditEvent(.unlocked, detail: "for \(seconds) s")])
    }

    /// A store that was opened in format 1 has a slot only since a moment.
    private func keep(slotOf key: borrowing SecretBytes, seconds: UInt32) throws(StoreError) {
        do {
            for slot in header.slots {
                guard let unlocked = try slot.unlock(with: key, store: header.store) else { continue }
                return try UnlockedKey.keep(unlocked, of: header.store, seconds: seconds)
            }
        } catch let error as SystemCallError {
            throw .system(doing: "open the key slot", error)
        } catch {
            throw error as! StoreError
        }
    }

    /// Forgets what the kernel's keyring has of a store.
    ///
    /// - Returns: whether it was unlocked.
    @discardableResult
    public static func lock(_ location: StoreLocation) throws(StoreError) -> Bool {
        guard let folder = try Folder.open(location.directory), let header = try StoreHeader.read(in: folder) else { return false }
        guard try UnlockedKey.read(of: header.store) != nil else { return false }
        // A store that can't be written, or opened, is locked all the same.
        let store = try? open(location)
        _ = try UnlockedKey.forget(of: header.store)
        try? store?.audit([AuditEvent(.locked)])
        return true
    }
}

import SecretStore
import Terminal

/// The one way in which commands open the store.
extension Invocation {
    /// Opens the store that is there.
    ///
    /// - Returns: nil where there is none yet.
    /// - Throws: where it is locked, and nothing at hand opens it.
    func openStore() throws(StoreError) -> SecretStore? {
        try SecretStore.open(paths.store, with: unlocker)
    }

    /// Opens the store, and makes it on first use.
    func openOrCreateStore() throws(StoreError) -> SecretStore {
        try SecretStore.openOrCreate(paths.store, with: unlocker)
    }
}

import Linux
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

    /// Opens the store without asking a person.
    func openStoreUnasked() throws(StoreError) -> SecretStore? {
        passphrases.mayAsk = false
        defer { passphrases.mayAsk = true }
        return try openStore()
    }

    /// The same, for a command that can do without the store.
    ///
    /// - Returns: nil where it is locked, too.
    func openStoreUnlessLocked() throws(StoreError) -> SecretStore? {
        do {
            return try openStoreUnasked()
        } catch {
            guard case .locked = error else { throw error }
            return nil
        }
    }

    /// Forgets what has opened the store, for a command that stays and has no more use for it.
    func forgetKeys() {
        unlocker.forget()
        passphrases.forget()
    }

    /// What opens the store by the key file of `--keyfile`, where that was given.
    func unlockerByOption() -> StoreUnlocker {
        guard let path = value("keyfile") else { return unlocker }
        return passphrases.unlocker(of: paths.store, keyFile: Paths.join(workingDirectory, path))
    }

    /// Goes on with the store as it lies there.
    ///
    /// - Returns: whether there was anything to accept.
    func acceptStore() throws(StoreError) -> Bool {
        try openStore()?.accept() ?? false
    }
}

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
        let store = try SecretStore.open(paths.store, with: unlocker)
        warnOfKeyFile(store)
        if let store { logEndedGrants(store) }
        return store
    }

    /// Opens the store, and makes it on first use.
    func openOrCreateStore() throws(StoreError) -> SecretStore {
        let store = try SecretStore.openOrCreate(paths.store, with: unlocker)
        warnOfKeyFile(store)
        logEndedGrants(store)
        return store
    }

    /// Opens the store without asking a person.
    func openStoreUnasked() throws(StoreError) -> SecretStore? {
        passphrases.mayAsk = false
        defer { passphrases.mayAsk = true }
        return try openStore()
    }

    /// Says why a command that can do without the store does without it. That it is locked is no news where nobody has tried to open it.
    func warnOfStore(_ problem: any Error) {
        if case StoreError.locked(_, let failures) = problem, failures.isEmpty { return }
        streams.warn("this goes on without the store: \(problem)")
    }

    /// A key file that is damaged or open to others is to be mended, whatever else opens the store.
    private func warnOfKeyFile(_ store: SecretStore?) {
        guard let store, let problem = store.keyFileProblem, notices.isFirst("key file") else { return }
        streams.warn("\(problem); \(store.opening.description) opens the store in its place")
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

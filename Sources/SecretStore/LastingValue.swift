import SecretMemory

/// A value that nobody can take from the store as long as this is there: for whoever destroys a copy of it because the store has it.
///
/// No command can commit meanwhile, so it is not to be kept for long.
public struct LastingValue: ~Copyable {
    public let bytes: SecretBytes
    /// Given back when its descriptor is closed.
    private let lock: StoreLock

    fileprivate init(_ bytes: consuming SecretBytes, _ lock: consuming StoreLock) {
        self.bytes = bytes
        self.lock = lock
    }
}

extension SecretStore {
    /// Looks for a version once more, and keeps it in the store.
    ///
    /// - Parameter name: the secret's.
    /// - Throws: `noSuchSecret` or `noSuchVersion` where somebody has removed it; as ``read(_:version:identity:)``.
    public func lastingValue(of name: String, _ version: SecretVersion) throws(StoreError) -> LastingValue {
        let lock = try StoreLock.acquire(in: folder)
        try refresh()
        return LastingValue(try read(name, version: version.number, identity: version.identity), lock)
    }
}

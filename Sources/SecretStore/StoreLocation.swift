/// Where a store lies, and the key that opens it.
public struct StoreLocation: Sendable, Equatable {
    /// The store's folder: sealed files only, safe to back up.
    public var directory: String
    /// The key file, apart from the data, so that a copy of the one is no use without the other.
    public var keyFile: String

    public init(directory: String, keyFile: String) {
        self.directory = directory
        self.keyFile = keyFile
    }
}

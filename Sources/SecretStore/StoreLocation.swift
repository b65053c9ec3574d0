/// Where a store lies, and the key that opens it.
public struct StoreLocation: Sendable, Equatable {
    /// The store's folder: sealed files only, safe to back up.
    public var directory: String
    /// The key file, apart from the data, so that a copy of the one is no use without the other.
    public var keyFile: String

    /// The folder of what is known of the store apart from it, such as its newest state: who can write to the store must not be
    /// able to write there.
    public var keyNotes: String { keyFile + ".d" }

    public init(directory: String, keyFile: String) {
        self.directory = directory
        self.keyFile = keyFile
    }
}

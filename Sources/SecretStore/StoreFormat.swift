/// The versions of the store's format that this stackup knows.
///
/// Format 2 keeps a source and a user for each version, an audit log, and key slots with key pairs. A store in format 1
/// is read as it is, and becomes one in format 2 at its next commit.
enum StoreFormat: Int, Sendable {
    case one = 1
    case two = 2

    /// What is written.
    static let current = StoreFormat.two
}

import Linux
import SecretMemory

/// What opens a store, kept as long as it is open: a header that another command writes meanwhile has to be opened too.
enum StoreOpener: ~Copyable {
    /// A key file's key, for a header of format 1.
    case keyFile(SecretBytes)
    case slot(UnlockedSlot)

    /// The data keys that a header holds for it; nil where it holds none.
    borrowing func dataKeys(in header: StoreHeader) throws(SystemCallError) -> DataKeys? {
        switch self {
        case .keyFile(let key):
            if case .one(let slots) = header.content {
                for slot in slots {
                    if let dataKey = try slot.unwrap(with: key, store: header.store) { return DataKeys(newest: dataKey) }
                }
            }
            // Another command may have upgraded it.
            for slot in header.slots where slot.kind == .keyFile(key: Identifier(ofKey: key)) {
                if let unlocked = try slot.unlock(with: key, store: header.store) { return try unlocked.dataKeys(in: slot) }
            }
        case .slot(let unlocked):
            for slot in header.slots {
                if let keys = try unlocked.dataKeys(in: slot) { return keys }
            }
        }
        return nil
    }
}

/// A store's header, opened.
struct OpenedHeader: ~Copyable {
    let header: StoreHeader
    let opener: StoreOpener
    let dataKeys: DataKeys
    let opening: StoreOpening
    /// What is wrong with the default key file, where something else opened the header.
    var keyFileProblem: StoreError?
}

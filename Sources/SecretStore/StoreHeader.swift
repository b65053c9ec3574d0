import Linux
import SecretMemory

/// The one plain file of a store: what it is, and who can open it.
///
///     stackup-store 1
///     store 5d0f…                       the store's id, 32 hexadecimal digits
///     slot key-file 91c2… 07ab…         the key's id, and the data key wrapped under that key
///
/// It is text so that a person can see what a folder is. Nothing in it is secret, and nothing in it is
/// trusted: a wrong id or slot makes everything sealed fail to open.
struct StoreHeader: Equatable, Sendable {
    static let fileName = "header"
    private static let magic = "stackup-store "
    private static let format = "1"
    private static let sizeLimit = 65536

    var store: Identifier
    var slots: [KeySlot]

    var text: String {
        ([Self.magic + Self.format, "store \(store.hexadecimal)"] + slots.map(\.line)).joined(separator: "\n") + "\n"
    }

    /// Reads the header of a store; nil where the folder has none.
    static func read(in folder: borrowing Folder) throws(StoreError) -> StoreHeader? {
        guard let file = try folder.read(fileName, limit: sizeLimit) else { return nil }
        return try StoreHeader(parsing: file.bytes, file: folder.path(of: fileName))
    }

    init(store: Identifier, slots: [KeySlot]) {
        self.store = store
        self.slots = slots
    }

    init(parsing bytes: [UInt8], file: String) throws(StoreError) {
        var lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // The newline at the end shows that nothing is cut off.
        guard lines.count >= 4, lines.removeLast().isEmpty, lines[0].hasPrefix(Self.magic) else {
            throw .damaged(file: file, what: .broken)
        }
        guard lines[0] == Self.magic + Self.format else { throw .newerFormat(file: file) }
        let fields = lines[1].split(separator: " ", omittingEmptySubsequences: false)
        guard fields.count == 2, fields[0] == "store", let store = Identifier(hexadecimal: fields[1]) else {
            throw .damaged(file: file, what: .broken)
        }
        var slots: [KeySlot] = []
        for line in lines[2...] {
            guard let slot = KeySlot(line: line) else { throw .damaged(file: file, what: .broken) }
            slots.append(slot)
        }
        self.init(store: store, slots: slots)
    }

    /// The data key, by whichever slot the key file's key opens.
    func unwrapDataKey(with key: borrowing SecretBytes, keyFile: String, file: String) throws(StoreError) -> SecretBytes {
        let name = Identifier(ofKey: key)
        var isForThisKey = false
        do {
            for slot in slots {
                if let dataKey = try slot.unwrap(with: key, store: store) { return dataKey }
                if case .keyFile(name, _) = slot { isForThisKey = true }
            }
        } catch {
            throw .system(doing: "unwrap the data key", error)
        }
        throw isForThisKey ? .damaged(file: file, what: .broken) : .foreignKey(keyFile: keyFile, header: file)
    }
}

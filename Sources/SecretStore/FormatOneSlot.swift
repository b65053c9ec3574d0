import CSodium
import Linux
import SecretMemory

/// A key slot as format 1 had them: the data key sealed under the key of a key file.
///
///     slot key-file <key's id> <sealed data key>
struct FormatOneSlot: Equatable, Sendable {
    /// Tells a foreign key from a damaged slot.
    let key: Identifier
    let wrapped: [UInt8]
}

extension FormatOneSlot {
    /// The data key; nil where this slot isn't for that key, or is damaged.
    func unwrap(with key: borrowing SecretBytes, store: Identifier) throws(SystemCallError) -> SecretBytes? {
        let binding = Binding(store: store, object: self.key, kind: .dataKey)
        guard let dataKey = try Sealing.openGuarded(wrapped, under: key, as: binding), dataKey.count == Sealing.keyCount
        else { return nil }
        return dataKey
    }

    /// The slot as a line of the header.
    var line: String { "slot key-file \(key.hexadecimal) \(hexadecimal(wrapped))" }

    /// Nil where the line is no such slot.
    init?(line: String) {
        let fields = line.fields(separatedBy: " ")
        guard fields.count == 4, fields[0] == "slot", fields[1] == "key-file", let key = Identifier(hexadecimal: fields[2]),
            let wrapped = bytes(hexadecimal: fields[3])
        else { return nil }
        self.init(key: key, wrapped: wrapped)
    }
}

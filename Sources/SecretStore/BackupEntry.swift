/// What a backup holds, piece by piece, once it is unsealed: an entry for the index's file, one for the audit log, one for each object, and one
/// that ends it.
///
///     kind    u8      1 index, 2 audit log, 3 object, 0 end
///     id      u128    of the log or the object; 0 for the others
///     size    u64     how many bytes follow; the number of entries before it for the end
///     bytes           as the file has them
struct BackupEntry: Equatable, Sendable {
    enum Kind: UInt8 {
        case end = 0
        case index = 1
        case log = 2
        case object = 3
    }

    let kind: Kind
    let identifier: Identifier
    let size: UInt64

    static let encodedCount = 1 + 16 + 8

    var encoded: [UInt8] {
        var bytes = [kind.rawValue]
        bytes.append(littleEndian: identifier.value)
        bytes.append(littleEndian: size)
        return bytes
    }

    init(_ kind: Kind, _ identifier: Identifier = Identifier(0), size: Int) {
        self.kind = kind
        self.identifier = identifier
        self.size = UInt64(size)
    }

    /// Nil where these bytes are none.
    init?(decoding bytes: [UInt8]) {
        let fields: (UInt8, UInt128, UInt64)? = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let kind = reader.integer(UInt8.self), let identifier = reader.integer(UInt128.self),
                let size = reader.integer(UInt64.self), reader.isAtEnd
            else { return nil }
            return (kind, identifier, size)
        }
        guard let fields, let kind = Kind(rawValue: fields.0) else { return nil }
        (self.kind, identifier, size) = (kind, Identifier(fields.1), fields.2)
    }
}

import Linux
import SecretMemory

/// What the index's file holds: the sealed key ring, then the sealed index. In format 1 there is no key ring.
struct IndexContent {
    /// nil in format 1.
    let keyRing: KeyRing?
    /// nil where it opened and can't be understood.
    let index: Index?

    /// Opens the file's bytes; nil where the seal does not hold.
    init?(opening bytes: [UInt8], under dataKey: borrowing SecretBytes, store: Identifier) throws(SystemCallError) {
        if bytes.count > KeyRing.sealedCount,
            let plaintext = Sealing.open(
                bytes[KeyRing.sealedCount...], under: dataKey, as: .index(of: store, format: .two))
        {
            guard let ring = try KeyRing(opening: Array(bytes[..<KeyRing.sealedCount]), under: dataKey, store: store)
            else { return nil }
            keyRing = ring
            index = Index(decoding: plaintext)
        } else if let plaintext = Sealing.open(bytes[...], under: dataKey, as: .index(of: store, format: .one)) {
            keyRing = nil
            index = Index(decodingFormat1: plaintext)
        } else {
            return nil
        }
    }

    /// The file's bytes.
    static func sealed(
        _ index: Index, keyRing: KeyRing, under dataKey: borrowing SecretBytes, store: Identifier
    ) -> [UInt8] {
        keyRing.sealed(under: dataKey, store: store)
            + index.bytes.withUnsafeBytes { Sealing.seal($0, under: dataKey, as: .index(of: store, format: .two)) }
    }
}

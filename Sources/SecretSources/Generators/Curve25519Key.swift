import SecretMemory
import SourceProtocol

/// Private keys that are 32 random bytes, as PKCS#8 has them.
enum Curve25519Key {
    enum Algorithm: UInt8 {
        /// The last byte of the object identifiers 1.3.101.112 and 1.3.101.110.
        case ed25519 = 112
        case x25519 = 110
    }

    /// A key in DER (RFC 8410, section 7): version 0, the algorithm, and the key as an octet string within one.
    ///
    /// - Parameter key: 32 bytes; any will do.
    static func der(_ algorithm: Algorithm, _ key: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        var der = try SecretBuffer(capacity: 48)
        for byte in [0x30, 46, 0x02, 1, 0, 0x30, 5, 0x06, 3, 43, 101, algorithm.rawValue, 0x04, 34, 0x04, 32] { try der.append(byte) }
        try der.append(key)
        return try der.bytes()
    }
}

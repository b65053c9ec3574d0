import SecretMemory

/// The checksum of RFC 3720 (Castagnoli's polynomial), with which Google sends values.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82f6_3b78 }
    }

    static func checksum(_ bytes: borrowing SecretBytes) -> UInt32 {
        bytes.withUnsafeBytes { bytes in
            ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
        }
    }
}

import SecretMemory
import SourceProtocol

/// The text form of age's keys (BIP 173): groups of five bits, and a checksum of thirty.
enum Bech32 {
    private static let characters = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    private static let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]

    /// - Parameters:
    ///   - prefix: what stands before the `1`, in lower case.
    ///   - isUpperCase: whether the outcome is in upper case.
    static func encode(_ bytes: borrowing SecretBytes, prefix: String, isUpperCase: Bool) throws(SourceError) -> SecretBytes {
        let groups = try groups(of: bytes)
        var text = try SecretBuffer(capacity: prefix.utf8.count + groups.count + 7)
        try text.append(prefix + "1")
        var checksum: UInt32 = 1
        for byte in prefix.utf8 { checksum = mixed(checksum, byte >> 5) }
        checksum = mixed(checksum, 0)
        for byte in prefix.utf8 { checksum = mixed(checksum, byte & 31) }
        for position in 0..<groups.count {
            let group = groups.withUnsafeBytes { $0[position] }
            checksum = mixed(checksum, group)
            try text.append(characters[Int(group)])
        }
        for _ in 0..<6 { checksum = mixed(checksum, 0) }
        checksum ^= 1
        for shift in stride(from: 25, through: 0, by: -5) { try text.append(characters[Int(checksum >> UInt32(shift)) & 31]) }
        var result = try text.bytes()
        if isUpperCase {
            result.withUnsafeMutableBytes { result in
                for position in result.indices where (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(result[position]) { result[position] -= 32 }
            }
        }
        return result
    }

    private static func mixed(_ checksum: UInt32, _ value: UInt8) -> UInt32 {
        let top = checksum >> 25
        var result = (checksum & 0x1ff_ffff) << 5 ^ UInt32(value)
        for bit in 0..<5 where top >> UInt32(bit) & 1 == 1 { result ^= generator[bit] }
        return result
    }

    /// A byte for each five bits, the last ones filled up with zeros.
    private static func groups(of bytes: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        var groups = try SecretBytes.zeroed((bytes.count * 8 + 4) / 5)
        bytes.withUnsafeBytes { bytes in
            groups.withUnsafeMutableBytes { groups in
                for bit in 0..<bytes.count * 8 where bytes[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1 {
                    groups[bit / 5] |= 1 << UInt8(4 - bit % 5)
                }
            }
        }
        return groups
    }
}

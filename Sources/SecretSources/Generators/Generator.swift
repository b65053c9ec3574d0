import CSodium
import SecretMemory
import SourceProtocol

/// Makes new values, in guarded memory from the first byte on. The randomness is the kernel's.
enum Generator {
    static func value(of spec: GeneratorSpec) throws(SourceError) -> SecretBytes {
        switch spec {
        case .characters(let count, let alphabet): try characters(count, of: alphabet)
        case .bytes(let count, .raw): try randomBytes(count)
        case .bytes(let count, .hex): try hexadecimal(try randomBytes(count))
        case .bytes(let count, .base64): try SecretBase64.encode(try randomBytes(count))
        case .bytes(let count, .base64url): try SecretBase64.encode(try randomBytes(count), .url)
        case .uuid: try uuid()
        case .rsaKey(let bits): try PEM.privateKey(try KeyPair.rsa(bits: bits))
        case .key(.ed25519): try PEM.privateKey(try Curve25519Key.der(.ed25519, try randomBytes(32)))
        case .key(.x25519): try PEM.privateKey(try Curve25519Key.der(.x25519, try randomBytes(32)))
        case .key(.p256): try PEM.privateKey(try KeyPair.p256())
        case .wireguardKey: try wireguardKey()
        case .ageIdentity: try Bech32.encode(try randomBytes(32), prefix: "age-secret-key-", isUpperCase: true)
        }
    }

    static func randomBytes(_ count: Int) throws(SourceError) -> SecretBytes {
        var bytes = try SecretBytes.zeroed(count)
        bytes.withUnsafeMutableBytes { randombytes_buf($0.baseAddress!, $0.count) }
        return bytes
    }

    private static func characters(_ count: Int, of alphabet: [UInt8]) throws(SourceError) -> SecretBytes {
        var text = try SecretBytes.zeroed(count)
        text.withUnsafeMutableBytes { text in
            // A remainder of a random number would make the first characters likelier.
            for position in text.indices { text[position] = alphabet[Int(randombytes_uniform(UInt32(alphabet.count)))] }
        }
        return text
    }

    private static func hexadecimal(_ bytes: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        // libsodium ends it with a NUL, which is no part of the text.
        var text = try SecretBytes.zeroed(bytes.count * 2 + 1)
        bytes.withUnsafeBytes { bytes in
            text.withUnsafeMutableBytes { text in
                _ = sodium_bin2hex(
                    text.baseAddress!.assumingMemoryBound(to: CChar.self), text.count, bytes.baseAddress!.assumingMemoryBound(to: UInt8.self),
                    bytes.count)
            }
        }
        return try text.slice(0..<text.count - 1)
    }

    /// RFC 9562, section 5.4.
    private static func uuid() throws(SourceError) -> SecretBytes {
        var bytes = try randomBytes(16)
        bytes.withUnsafeMutableBytes { bytes in
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
        }
        let digits = try hexadecimal(bytes)
        var text = try SecretBuffer(capacity: 36)
        for (position, group) in [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].enumerated() {
            if position > 0 { try text.append(UInt8(ascii: "-")) }
            try text.append(try digits.slice(group))
        }
        return try text.bytes()
    }

    /// A scalar of Curve25519 in base 64 as wg(8) writes it, with the bits set that RFC 7748 fixes (section 5).
    private static func wireguardKey() throws(SourceError) -> SecretBytes {
        var scalar = try randomBytes(32)
        scalar.withUnsafeMutableBytes { scalar in
            scalar[0] &= 0xF8
            scalar[31] = scalar[31] & 0x7F | 0x40
        }
        return try SecretBase64.encode(scalar)
    }
}

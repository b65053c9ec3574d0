import CSodium
import SecretMemory
import SourceProtocol

/// Base64 of secrets (RFC 4648), from guarded memory to guarded memory.
enum SecretBase64 {
    enum Alphabet {
        case standard
        /// Without padding, as JSON Web Tokens have it (RFC 7515).
        case url

        fileprivate var variant: Int32 {
            switch self {
            case .standard: Int32(sodium_base64_VARIANT_ORIGINAL)
            case .url: Int32(sodium_base64_VARIANT_URLSAFE_NO_PADDING)
            }
        }
    }

    static func encode(_ bytes: borrowing SecretBytes, _ alphabet: Alphabet = .standard) throws(SourceError) -> SecretBytes {
        // libsodium ends it with a NUL, which is no part of the text.
        let room = sodium_base64_encoded_len(bytes.count, alphabet.variant)
        var text = try SecretBytes.zeroed(room)
        bytes.withUnsafeBytes { bytes in
            text.withUnsafeMutableBytes { text in
                _ = sodium_bin2base64(
                    text.baseAddress!.assumingMemoryBound(to: CChar.self), room, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
                    alphabet.variant)
            }
        }
        return try text.slice(0..<(room - 1))
    }

    /// - Returns: nil where the text is not what ``encode(_:_:)`` makes of anything.
    static func decode(_ text: borrowing SecretBytes, _ alphabet: Alphabet = .standard) throws(SourceError) -> SecretBytes? {
        var bytes = try SecretBytes.zeroed(text.count / 4 * 3 + 3)
        let room = bytes.count
        var count = 0
        let isValid = text.withUnsafeBytes { text in
            bytes.withUnsafeMutableBytes { bytes in
                sodium_base642bin(
                    bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), room, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count,
                    nil, &count, nil, alphabet.variant) == 0
            }
        }
        return isValid ? try bytes.slice(0..<count) : nil
    }
}

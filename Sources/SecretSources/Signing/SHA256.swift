import CSodium
import SecretMemory
import SourceProtocol

/// SHA-256 of what comes piece by piece, so that a text with secret parts need not be put together.
struct SHA256: ~Copyable {
    /// It holds the last bytes of what was hashed.
    private var state: SecretBytes

    init() throws(SourceError) {
        state = try .zeroed(MemoryLayout<crypto_hash_sha256_state>.size)
        state.withState { _ = crypto_hash_sha256_init($0) }
    }

    mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { text in state.withState { _ = crypto_hash_sha256_update($0, text.baseAddress, UInt64(text.count)) } }
    }

    mutating func update(_ bytes: borrowing SecretBytes) {
        let bytes = bytes.withUnsafeBytes { $0 }
        state.withState { _ = crypto_hash_sha256_update($0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count)) }
    }

    /// The hash in hexadecimal digits; to be asked for once.
    mutating func hexadecimal() -> String {
        var hash = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        state.withState { _ = crypto_hash_sha256_final($0, &hash) }
        return hash.hexadecimal
    }
}

/// HMAC-SHA-256 (RFC 2104) under keys of any length.
enum HMACSHA256 {
    static func authenticate(_ text: String, key: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        var result = try SecretBytes.zeroed(Int(crypto_auth_hmacsha256_BYTES))
        var state = try SecretBytes.zeroed(MemoryLayout<crypto_auth_hmacsha256_state>.size)
        let key = key.withUnsafeBytes { $0 }
        var text = text
        text.withUTF8 { text in
            state.withState { state in
                _ = crypto_auth_hmacsha256_init(state, key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count)
                _ = crypto_auth_hmacsha256_update(state, text.baseAddress, UInt64(text.count))
                result.withUnsafeMutableBytes { _ = crypto_auth_hmacsha256_final(state, $0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
            }
        }
        return result
    }
}

extension SecretBytes {
    /// Lends the bytes as the state of one of libsodium's functions, which would otherwise stay on the stack.
    fileprivate mutating func withState<State>(_ body: (UnsafeMutablePointer<State>) -> Void) {
        withUnsafeMutableBytes { body($0.baseAddress!.assumingMemoryBound(to: State.self)) }
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits for each byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

import CSodium

/// SHA-256 of bytes that are no secret (FIPS 180-4), in hexadecimal: whether a config's content changed.
///
/// Never for a secret's value: a plain hash of a weak password gives it away. `SecretStore.fingerprint(of:)` is for those.
public func contentHash(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

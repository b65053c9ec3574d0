import CCrypto
import SecretMemory
import SourceProtocol

/// Signs with an RSA key (PKCS #1 version 1.5 with SHA-256: `RS256` of RFC 7518).
struct RSASigner: ~Copyable {
    private let key: OpaquePointer

    /// - Parameter pem: a private key in PEM format, not encrypted.
    /// - Throws: `SourceError` where it is none, or too short to be safe.
    init(pem: borrowing SecretBytes) throws(SourceError) {
        // From here on libcrypto wipes what it frees: the key's numbers among them.
        CurlHandle.start()
        let bytes = pem.withUnsafeBytes { $0 }
        let file = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
        defer { BIO_free(file) }
        // Asked for a passphrase, libcrypto would ask the terminal.
        let key = PEM_read_bio_PrivateKey(file, nil, { _, _, _, _ in -1 }, nil)
        ERR_clear_error()
        guard let key else { throw SourceError("the private key can't be read", remedy: "it has to be in PEM format, and not encrypted") }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= 2048 else {
            EVP_PKEY_free(key)
            throw SourceError("the private key is not one of RSA with 2048 bits or more", remedy: "make a new key")
        }
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    func sign(_ text: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        let text = text.withUnsafeBytes { $0 }
        let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var signature = try SecretBytes.zeroed(Int(EVP_PKEY_get_size(key)))
        var count = signature.count
        let isSigned = signature.withUnsafeMutableBytes { signature in
            EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1
                && EVP_DigestSign(context, signature.baseAddress!.assumingMemoryBound(to: UInt8.self), &count, bytes, text.count) == 1
        }
        guard isSigned else {
            ERR_clear_error()
            throw SourceError("nothing can be signed with the private key", remedy: "make a new key")
        }
        return try signature.slice(0..<count)
    }
}

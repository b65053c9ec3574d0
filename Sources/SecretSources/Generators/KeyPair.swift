import CCrypto
import SecretMemory
import SourceProtocol

/// Private keys that libcrypto makes, as PKCS#8 in DER.
///
/// libcrypto wipes the numbers of a private key when it frees them, but not every buffer that they pass through; so its
/// memory is wiped as a whole when it is freed, see `ccurl_start`.
enum KeyPair {
    static func rsa(bits: Int) throws(SourceError) -> SecretBytes {
        try make(EVP_PKEY_RSA) { EVP_PKEY_CTX_set_rsa_keygen_bits($0, Int32(bits)) }
    }

    static func p256() throws(SourceError) -> SecretBytes {
        try make(EVP_PKEY_EC) { EVP_PKEY_CTX_set_ec_paramgen_curve_nid($0, NID_X9_62_prime256v1) }
    }

    private static func make(_ kind: Int32, _ configure: (OpaquePointer) -> Int32) throws(SourceError) -> SecretBytes {
        CurlHandle.start()
        guard let context = EVP_PKEY_CTX_new_id(kind, nil) else { throw failure() }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) > 0, configure(context) > 0, EVP_PKEY_generate(context, &key) > 0, let key else { throw failure() }
        defer { EVP_PKEY_free(key) }
        guard let document = EVP_PKEY2PKCS8(key) else { throw failure() }
        defer { PKCS8_PRIV_KEY_INFO_free(document) }
        return try der(document)
    }

    private static func der(_ document: OpaquePointer) throws(SourceError) -> SecretBytes {
        let size = i2d_PKCS8_PRIV_KEY_INFO(document, nil)
        guard size > 0 else { throw failure() }
        var bytes = try SecretBytes.zeroed(Int(size))
        let written = bytes.withUnsafeMutableBytes { bytes in
            var place: UnsafeMutablePointer<UInt8>? = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
            return i2d_PKCS8_PRIV_KEY_INFO(document, &place)
        }
        guard written == size else { throw failure() }
        return bytes
    }

    private static func failure() -> SourceError {
        var reason = "libcrypto does not say why"
        let code = ERR_get_error()
        if code != 0, let text = ERR_reason_error_string(code) { reason = String(cString: text) }
        ERR_clear_error()
        return SourceError("the key could not be made: \(reason)")
    }
}

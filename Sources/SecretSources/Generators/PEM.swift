import SecretMemory
import SourceProtocol

/// The text form of keys (RFC 7468).
enum PEM {
    /// As many bytes as a line of 64 characters holds.
    private static let bytesInLine = 48

    /// A private key, PKCS#8 in DER, as text with a line end after each line.
    static func privateKey(_ der: borrowing SecretBytes) throws(SourceError) -> SecretBytes {
        var text = try SecretBuffer(capacity: der.count * 3 / 2 + 64)
        try text.append("-----BEGIN PRIVATE KEY-----\n")
        var start = 0
        while start < der.count {
            let end = min(start + bytesInLine, der.count)
            try text.append(try SecretBase64.encode(try der.slice(start..<end)))
            try text.append(UInt8(ascii: "\n"))
            start = end
        }
        try text.append("-----END PRIVATE KEY-----\n")
        return try text.bytes()
    }
}

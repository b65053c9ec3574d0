/// Percent-encoding of what comes into an address (RFC 3986).
public enum PercentEncoding {
    /// Every byte encoded but letters, digits and `-._~`.
    ///
    /// - Parameter other: more characters that stay as they are.
    public static func encode(_ text: String, keeping other: String = "") -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let kept = Array(other.utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) || kept.contains(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The body of a form.
    public static func form(_ fields: KeyValuePairs<String, String>) -> String {
        fields.map { "\(encode($0.key))=\(encode($0.value))" }.joined(separator: "&")
    }

    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}

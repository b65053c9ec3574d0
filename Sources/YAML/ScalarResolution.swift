/// Which type a plain scalar has: YAML 1.2's core schema (section 10.3.2) as Compose's own parser reads it, which adds
/// `0b` and leading-zero octal integers, underscores between digits, and timestamps.
public enum ScalarResolution {
    /// Resolves an untagged plain scalar.
    public static func resolve(_ text: String) -> Node.Value {
        var copy = text
        return copy.withUTF8 { resolve($0) } ?? .string(text)
    }

    /// nil: a string.
    private static func resolve(_ bytes: UnsafeBufferPointer<UInt8>, isTimestampAllowed: Bool = true) -> Node.Value? {
        guard let first = bytes.first else { return .null }
        switch first {
        case UInt8(ascii: "~"):
            return bytes.count == 1 ? .null : nil
        case UInt8(ascii: "n"), UInt8(ascii: "N"):
            return matches(bytes, "null", "Null", "NULL") ? .null : nil
        case UInt8(ascii: "t"), UInt8(ascii: "T"):
            return matches(bytes, "true", "True", "TRUE") ? .bool(true) : nil
        case UInt8(ascii: "f"), UInt8(ascii: "F"):
            return matches(bytes, "false", "False", "FALSE") ? .bool(false) : nil
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            if isTimestampAllowed, let timestamp = Timestamp.canonical(bytes) { return .timestamp(timestamp) }
            return number(bytes)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(bytes)
        default:
            return nil
        }
    }

    /// Resolves a scalar with a tag of YAML's own, `tag:yaml.org,2002:…`; nil where the text does not fit the tag.
    static func resolve(_ text: String, tag: Substring) -> Node.Value? {
        var copy = text
        let found = copy.withUTF8 { resolve($0, isTimestampAllowed: tag == "timestamp") }
        switch tag {
        case "binary":
            return Base64.decode(text).flatMap { String(validating: $0, as: UTF8.self) }.map { .string($0) }
        case "null":
            if case .null? = found { return .null }
        case "bool":
            if case .bool? = found { return found }
        case "int":
            switch found {
            case .integer?, .unsigned?: return found
            default: break
            }
        case "float":
            switch found {
            case .integer(let integer)?: return .float(Double(integer))
            case .float?: return found
            default: break
            }
        case "timestamp":
            if case .timestamp? = found { return found }
        default:
            return .string(text)
        }
        return nil
    }

    private static func matches(_ bytes: UnsafeBufferPointer<UInt8>, _ words: StaticString...) -> Bool {
        words.contains { word in
            word.utf8CodeUnitCount == bytes.count
                && UnsafeBufferPointer(start: word.utf8Start, count: bytes.count).elementsEqual(bytes)
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> Node.Value? {
        if matches(bytes, ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF") { return .float(.infinity) }
        if matches(bytes, "-.inf", "-.Inf", "-.INF") { return .float(-.infinity) }
        if matches(bytes, ".nan", ".NaN", ".NAN") { return .float(.nan) }
        // Longer than any number of 64 bits in any base, and digits are what makes converting slow.
        guard bytes.count <= 128 else { return nil }
        // After a leading point underscores are only allowed between digits; elsewhere they may be anywhere.
        if bytes[0] == UInt8(ascii: "."), !separatesDigits(bytes) { return nil }
        var digits: [UInt8] = []
        for byte in bytes where byte != UInt8(ascii: "_") { digits.append(byte) }
        return integer(digits) ?? float(digits)
    }

    private static func separatesDigits(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return bytes.indices.allSatisfy { index in
            bytes[index] != UInt8(ascii: "_")
                || index > 0 && index + 1 < bytes.count && digits.contains(bytes[index - 1]) && digits.contains(bytes[index + 1])
        }
    }

    private static func float(_ digits: [UInt8]) -> Node.Value? {
        // Beyond a double's range it stays a text.
        guard isDecimalFloat(digits), let value = Double(String(decoding: digits, as: UTF8.self)), value.isFinite else {
            return nil
        }
        return .float(value)
    }

    private static func integer(_ digits: [UInt8]) -> Node.Value? {
        var rest = digits[...]
        var sign = ""
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            sign = first == UInt8(ascii: "-") ? "-" : "+"
            rest = rest.dropFirst()
        }
        var radix = 10
        if rest.count > 1, rest.first == UInt8(ascii: "0") {
            switch rest[rest.startIndex + 1] {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, rest) = (16, rest.dropFirst(2))
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, rest) = (8, rest.dropFirst(2))
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, rest) = (2, rest.dropFirst(2))
            default: (radix, rest) = (8, rest.dropFirst(1))
            }
        }
        guard let first = rest.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        let magnitude = String(decoding: rest, as: UTF8.self)
        if let value = Int64(sign + magnitude, radix: radix) { return .integer(value) }
        return sign.isEmpty ? UInt64(magnitude, radix: radix).map { .unsigned($0) } : nil
    }

    /// `[-+]? (. digits | digits (. digits?)?) ([eE] [-+]? digits)?`
    private static func isDecimalFloat(_ bytes: [UInt8]) -> Bool {
        var index = 0
        func skipDigits() -> Int {
            let start = index
            while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
            return index - start
        }
        func skip(_ a: UInt8, _ b: UInt8) -> Bool {
            guard index < bytes.count, bytes[index] == a || bytes[index] == b else { return false }
            index += 1
            return true
        }
        _ = skip(UInt8(ascii: "-"), UInt8(ascii: "+"))
        let whole = skipDigits()
        var fraction = 0
        if skip(UInt8(ascii: "."), UInt8(ascii: ".")) { fraction = skipDigits() }
        guard whole + fraction > 0 else { return false }
        if skip(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            _ = skip(UInt8(ascii: "-"), UInt8(ascii: "+"))
            guard skipDigits() > 0 else { return false }
        }
        return index == bytes.count
    }
}

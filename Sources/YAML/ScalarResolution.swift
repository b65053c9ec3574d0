/// Which type a plain scalar has: YAML 1.2's core schema (section 10.3.2) as Compose's own parser reads it,
/// which adds `0b` and leading-zero octal integers and underscores between digits.
public enum ScalarResolution {
    /// Resolves an untagged plain scalar.
    public static func resolve(_ text: String) -> Node.Value {
        var copy = text
        return copy.withUTF8 { resolve($0) } ?? .string(text)
    }

    /// nil: a string.
    private static func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> Node.Value? {
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
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(bytes)
        default:
            return nil
        }
    }

    /// Resolves a scalar with a tag of YAML's own, `tag:yaml.org,2002:…`; nil where the text does not fit the tag.
    static func resolve(_ text: String, tag: Substring) -> Node.Value? {
        switch tag {
        case "str", "binary":
            return .string(text)
        case "null":
            if case .null = resolve(text) { return .null }
        case "bool":
            if case .bool(let bool) = resolve(text) { return .bool(bool) }
        case "int":
            if case .integer(let integer) = resolve(text) { return .integer(integer) }
        case "float":
            switch resolve(text) {
            case .integer(let integer): return .float(Double(integer))
            case .float(let float): return .float(float)
            default: break
            }
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
        var digits: [UInt8] = []
        for byte in bytes where byte != UInt8(ascii: "_") { digits.append(byte) }
        if let integer = integer(digits) { return .integer(integer) }
        guard isDecimalFloat(digits) else { return nil }
        return Double(String(decoding: digits, as: UTF8.self)).map { .float($0) }
    }

    private static func integer(_ digits: [UInt8]) -> Int64? {
        var rest = digits[...]
        var sign = ""
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            sign = first == UInt8(ascii: "-") ? "-" : ""
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
        return Int64(sign + String(decoding: rest, as: UTF8.self), radix: radix)
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

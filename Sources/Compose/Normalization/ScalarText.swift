/// Texts that stand for a value of another type.
enum ScalarText {
    /// `true`, `false`, and YAML 1.1's other words for them.
    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "y", "yes", "on": true
        case "false", "n", "no", "off": false
        default: nil
        }
    }

    /// `1`, `t`, `true` and their opposites: what an environment variable that is a switch may be.
    static func flag(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func number(_ text: String) -> Double? {
        guard let first = text.utf8.first, first < UInt8(ascii: "A"), let value = Double(text), value.isFinite
        else { return nil }
        return value
    }

    /// What to do about a number with a comma in it, as some countries write it; nil for any other text.
    static func decimalComma(_ text: String) -> String? {
        let pointed = String(text.prefix(32).map { $0 == "," ? "." : $0 })
        guard pointed != text, number(pointed) != nil else { return nil }
        return "write it with a point: \(pointed)"
    }

    /// The number with the shortest digits that read back the same in single precision, which Compose keeps numbers in.
    static func singlePrecision(_ value: Float) -> Double {
        Double(value.description) ?? Double(value)
    }

    /// Permission bits in octal digits.
    static func octal(_ text: String) -> Int64? {
        let digits = text.hasPrefix("0o") ? String(text.dropFirst(2)) : text
        guard let value = Int64(digits, radix: 8), value >= 0, value <= 0o7777 else { return nil }
        return value
    }

    /// A number of bytes: `1024`, `64m`, `1.5gb`, `2 KiB`; units are powers of 1024, a fraction of a byte is dropped.
    static func bytes(_ text: String) -> Int64? {
        let all = Array(text.utf8)
        let isNumeric = { (byte: UInt8) in (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") || byte == 0x20 }
        guard let last = all.lastIndex(where: isNumeric), let number = number(all[...last]), number >= 0 else { return nil }
        let suffix = all[(last + 1)...].map { $0 | 0x20 }
        var factor = 1.0
        if let unit = suffix.first, unit != UInt8(ascii: "b") {
            guard let power = Array("kmgtp".utf8).firstIndex(of: unit) else { return nil }
            for _ in 0...power { factor *= 1024 }
            guard ["", "b", "ib"].contains(String(decoding: suffix.dropFirst(), as: UTF8.self)) else { return nil }
        } else if suffix.count > 1 {
            return nil
        }
        return Int64(exactly: (number * factor).rounded(.towardZero))
    }

    /// The number before a unit, which one space may follow.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Double? {
        let digits = bytes.last == 0x20 ? bytes.dropLast() : bytes
        guard let first = digits.first, first < UInt8(ascii: "A"), first != 0x20 else { return nil }
        return Double(String(decoding: digits, as: UTF8.self))
    }
}

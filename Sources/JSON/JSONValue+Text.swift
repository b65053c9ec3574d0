extension JSONValue {
    /// The document as text, its members in order; what Go's encoding/json writes, so that scripts made for
    /// Docker's output read it.
    ///
    /// - Parameters:
    ///   - pretty: one member or element per line, two spaces a level.
    ///   - escapingHTML: writes `<`, `>` and `&` as `\u003c`, `\u003e` and `\u0026`.
    public func serialized(pretty: Bool = false, escapingHTML: Bool = true) -> String {
        var bytes: [UInt8] = []
        serialize(into: &bytes, pretty: pretty, escapingHTML: escapingHTML)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the document as UTF-8; see ``serialized(pretty:escapingHTML:)``. A number that is not finite,
    /// which JSON cannot say, becomes `null`.
    public func serialize(into bytes: inout [UInt8], pretty: Bool = false, escapingHTML: Bool = true) {
        var writer = JSONWriter(bytes: bytes, pretty: pretty, escapingHTML: escapingHTML)
        // The writer's copy is to be the only one, or appending would copy what is there.
        bytes = []
        writer.write(self)
        bytes = writer.bytes
    }
}

private struct JSONWriter {
    var bytes: [UInt8]
    let pretty: Bool
    let escapingHTML: Bool
    var level = 0

    init(bytes: [UInt8], pretty: Bool, escapingHTML: Bool) {
        self.bytes = bytes
        self.pretty = pretty
        self.escapingHTML = escapingHTML
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: put("null")
        case .bool(let value): put(value ? "true" : "false")
        case .integer(let value): put(magnitude: value.magnitude, isNegative: value < 0)
        case .unsigned(let value): put(magnitude: value, isNegative: false)
        case .number(let value): write(value)
        case .string(let value): write(value)
        case .array(let elements):
            write(elements, between: "[", and: "]") { writer, element in writer.write(element) }
        case .object(let members):
            write(members, between: "{", and: "}") { writer, member in
                writer.write(member.name)
                writer.put(writer.pretty ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func write<Item>(
        _ items: [Item], between start: StaticString, and end: StaticString,
        _ item: (inout JSONWriter, Item) -> Void
    ) {
        put(start)
        level += 1
        for (index, element) in items.enumerated() {
            if index > 0 { put(",") }
            newLine()
            item(&self, element)
        }
        level -= 1
        if !items.isEmpty { newLine() }
        put(end)
    }

    private mutating func newLine() {
        guard pretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * level))
    }

    private mutating func write(_ value: Double) {
        if let whole = Int64(exactly: value), whole != 0 || value.sign == .plus {
            put(magnitude: whole.magnitude, isNegative: whole < 0)
        } else if value == 0 {
            put("-0")
        } else if value.isFinite {
            writeDecimal(value)
        } else {
            put("null")
        }
    }

    /// The shortest digits that read back the same; with an exponent only below 1e-6 and from 1e21, as Go and JavaScript have it.
    private mutating func writeDecimal(_ value: Double) {
        // Swift has the same digits, but its exponents begin at 1e-5 and 1e16: 12.5, 1e-05, 1.5e+20.
        let parts = value.magnitude.description.utf8.split(separator: UInt8(ascii: "e"))
        let exponent = parts.count > 1 ? Int(Substring(parts[1])) ?? 0 : 0
        let mantissa = parts[0].split(separator: UInt8(ascii: "."))
        let fraction = mantissa.count > 1 ? Array(mantissa[1]) : []
        var digits = Array(mantissa[0]) + fraction
        var point = mantissa[0].count + exponent
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let zeros = { (count: Int) in repeatElement(UInt8(ascii: "0"), count: count) }
        if value < 0 { put("-") }
        if point <= -6 || point > 21 {
            bytes.append(digits[0])
            if digits.count > 1 { bytes += [UInt8(ascii: ".")] + digits[1...] }
            bytes += (point > 0 ? "e+" : "e-").utf8
            bytes += String(abs(point - 1)).utf8
        } else if point <= 0 {
            put("0.")
            bytes += zeros(-point) + digits
        } else if digits.count <= point {
            bytes += digits + zeros(point - digits.count)
        } else {
            bytes += digits[..<point] + [UInt8(ascii: ".")] + digits[point...]
        }
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var plain = 0
            var index = 0
            while index < utf8.count {
                let byte = utf8[index]
                let length = escapedLength(byte, at: index, of: utf8)
                if length > 0 {
                    bytes += utf8[plain..<index]
                    escape(byte, at: index, of: utf8)
                    plain = index + length
                    index = plain
                } else {
                    index += 1
                }
            }
            bytes += utf8[plain...]
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// How many bytes of the text one escape stands for; 0 where the byte goes out as it is.
    private func escapedLength(_ byte: UInt8, at index: Int, of utf8: UnsafeBufferPointer<UInt8>) -> Int {
        switch byte {
        case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): 1
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): escapingHTML ? 1 : 0
        // U+2028 and U+2029 end a line in JavaScript, so Go always escapes them.
        case 0xE2 where index + 2 < utf8.count && utf8[index + 1] == 0x80 && utf8[index + 2] & 0xFE == 0xA8: 3
        default: 0
        }
    }

    private mutating func escape(_ byte: UInt8, at index: Int, of utf8: UnsafeBufferPointer<UInt8>) {
        switch byte {
        case UInt8(ascii: "\""): put(#"\""#)
        case UInt8(ascii: "\\"): put(#"\\"#)
        case 0x08: put(#"\b"#)
        case 0x09: put(#"\t"#)
        case 0x0A: put(#"\n"#)
        case 0x0C: put(#"\f"#)
        case 0x0D: put(#"\r"#)
        case 0xE2: put(utf8[index + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#)
        default:
            put(#"\u00"#)
            bytes.append(hexadecimalDigit(byte >> 4))
            bytes.append(hexadecimalDigit(byte & 15))
        }
    }

    private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private mutating func put(_ text: StaticString) {
        bytes += UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    private mutating func put(magnitude: UInt64, isNegative: Bool) {
        if isNegative { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}

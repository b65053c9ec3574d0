import JSON

/// A document as block-style YAML, laid out and quoted as Compose does it.
public func renderYAML(_ document: JSONValue) -> String {
    var writer = YAMLWriter()
    writer.document(document)
    return String(decoding: writer.bytes, as: UTF8.self)
}

private struct YAMLWriter {
    private(set) var bytes: [UInt8] = []

    mutating func document(_ value: JSONValue) {
        switch value {
        case .object(let members) where !members.isEmpty: mapping(members, indent: 0, startsLine: true)
        case .array(let items) where !items.isEmpty: sequence(items, indent: 0, startsLine: true)
        default:
            scalar(value, indent: 0)
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    private mutating func pad(_ count: Int) {
        for _ in 0..<count { bytes.append(0x20) }
    }

    private mutating func put(_ text: String) {
        bytes += text.utf8
    }

    /// - Parameter startsLine: false after `- `, where the first entry goes on the same line.
    private mutating func mapping(_ members: [JSONValue.Member], indent: Int, startsLine: Bool) {
        for (index, member) in members.enumerated() {
            if startsLine || index > 0 { pad(indent) }
            guard Self.isSimple(member.name) else {
                put("? ")
                text(member.name, indent: indent, isKey: false)
                endLine()
                pad(indent)
                put(": ")
                inline(member.value, indent: indent)
                continue
            }
            text(member.name, indent: indent, isKey: true)
            bytes.append(UInt8(ascii: ":"))
            switch member.value {
            case .object(let members) where !members.isEmpty:
                bytes.append(UInt8(ascii: "\n"))
                mapping(members, indent: indent + 2, startsLine: true)
            case .array(let items) where !items.isEmpty:
                bytes.append(UInt8(ascii: "\n"))
                sequence(items, indent: indent + 2, startsLine: true)
            default:
                bytes.append(0x20)
                scalar(member.value, indent: indent)
                endLine()
            }
        }
    }

    private mutating func sequence(_ items: [JSONValue], indent: Int, startsLine: Bool) {
        for (index, item) in items.enumerated() {
            if startsLine || index > 0 { pad(indent) }
            put("- ")
            inline(item, indent: indent)
        }
    }

    /// A value after an indicator, on the same line.
    private mutating func inline(_ value: JSONValue, indent: Int) {
        switch value {
        case .object(let members) where !members.isEmpty: mapping(members, indent: indent + 2, startsLine: false)
        case .array(let items) where !items.isEmpty: sequence(items, indent: indent + 2, startsLine: false)
        default:
            scalar(value, indent: indent)
            endLine()
        }
    }

    /// Whether a key can stand before a colon; another one is written as `? KEY`, and its value as `: VALUE`.
    private static func isSimple(_ key: String) -> Bool {
        key.utf8.count <= 128 && !key.utf8.contains(UInt8(ascii: "\n"))
    }

    /// A literal block has ended its last line itself.
    private mutating func endLine() {
        if endedLine { endedLine = false } else { bytes.append(UInt8(ascii: "\n")) }
    }

    private var endedLine = false

    private mutating func scalar(_ value: JSONValue, indent: Int) {
        switch value {
        case .null: put("null")
        case .bool(let bool): put(bool ? "true" : "false")
        case .integer(let integer): put(String(integer))
        case .unsigned(let unsigned): put(String(unsigned))
        case .number(let number): put(number.isNaN ? ".nan" : number.isInfinite ? (number < 0 ? "-.inf" : ".inf") : NumberText.text(number))
        case .string(let string): text(string, indent: indent, isKey: false)
        case .array: put("[]")
        case .object: put("{}")
        }
    }

    private mutating func text(_ text: String, indent: Int, isKey: Bool) {
        switch YAMLScalarStyle(text, isKey: isKey) {
        case .plain: put(text)
        case .singleQuoted:
            singleQuoted(text, indent: indent + 2)
        case .doubleQuoted: doubleQuoted(text)
        case .literal: literal(Array(text.utf8), indent: indent + 2)
        }
    }

    private mutating func singleQuoted(_ text: String, indent: Int) {
        bytes.append(UInt8(ascii: "'"))
        var afterBreak = false
        for scalar in text.unicodeScalars {
            // The two line breaks of Unicode that may stand in such a text; the next line is indented.
            let isBreak = scalar == "\u{2028}" || scalar == "\u{2029}"
            if afterBreak, !isBreak { pad(indent) }
            afterBreak = isBreak
            if scalar == "'" { bytes.append(UInt8(ascii: "'")) }
            bytes += UTF8.encode(scalar).map(Array.init) ?? []
        }
        bytes.append(UInt8(ascii: "'"))
    }

    private mutating func doubleQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            let encoded = Array(String(scalar).utf8)
            switch scalar.value {
            case 0x00: put("\\0")
            case 0x07: put("\\a")
            case 0x08: put("\\b")
            case 0x09: put("\\t")
            case 0x0A: put("\\n")
            case 0x0B: put("\\v")
            case 0x0C: put("\\f")
            case 0x0D: put("\\r")
            case 0x1B: put("\\e")
            case 0x22: put("\\\"")
            case 0x5C: put("\\\\")
            case 0x85: put("\\N")
            case 0x2028: put("\\L")
            case 0x2029: put("\\P")
            case let value where !YAMLScalarStyle.isPrintable(encoded[...]):
                let digits = String(value, radix: 16, uppercase: true)
                let (letter, width) = value <= 0xFF ? ("x", 2) : value <= 0xFFFF ? ("u", 4) : ("U", 8)
                put("\\\(letter)" + String(repeating: "0", count: width - digits.utf8.count) + digits)
            default: bytes += encoded
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func literal(_ text: [UInt8], indent: Int) {
        let newline = UInt8(ascii: "\n")
        bytes.append(UInt8(ascii: "|"))
        // The indentation must be named where the first line can't show it.
        if text.first == 0x20 || text.first == newline { bytes.append(UInt8(ascii: "2")) }
        if text.last != newline {
            bytes.append(UInt8(ascii: "-"))
        } else if text.count == 1 || text[text.count - 2] == newline {
            bytes.append(UInt8(ascii: "+"))
        }
        bytes.append(newline)
        var lines = text.split(separator: newline, omittingEmptySubsequences: false)
        if text.last == newline { lines.removeLast() }
        for line in lines {
            if !line.isEmpty { pad(indent) }
            bytes += line
            bytes.append(newline)
        }
        endedLine = true
    }
}

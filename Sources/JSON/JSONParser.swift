extension JSONValue {
    /// How deep arrays and objects may nest unless the caller says otherwise.
    public static let defaultDepthLimit = 128

    /// Reads one JSON document (RFC 8259), strictly: no comments, no trailing commas, no byte order mark,
    /// UTF-8 only, nothing after the value.
    ///
    /// An object with the same name twice is refused, since readers disagree on which one counts. Names are
    /// compared as Swift compares strings, so two spellings of `é` are the same name.
    ///
    /// - Parameters:
    ///   - bytes: the whole document.
    ///   - depthLimit: how deep arrays and objects may nest; bounds the stack that a hostile document can use.
    ///   - valueLimit: how many values it may have altogether; bounds the memory, of which a value takes many times its bytes.
    /// - Throws: where the document goes wrong.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, depthLimit: Int = defaultDepthLimit, valueLimit: Int = .max
    ) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, depthLimit: depthLimit, valueLimit: valueLimit)
        return try parser.document()
    }

    /// Reads one JSON document; see ``parse(_:depthLimit:valueLimit:)``.
    public static func parse(
        _ bytes: [UInt8], depthLimit: Int = defaultDepthLimit, valueLimit: Int = .max
    ) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONError) in try parse(buffer, depthLimit: depthLimit, valueLimit: valueLimit) }
        }.get()
    }

    /// Reads one JSON document; see ``parse(_:depthLimit:valueLimit:)``.
    public static func parse(
        _ text: String, depthLimit: Int = defaultDepthLimit
    ) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), depthLimit: depthLimit)
    }
}

/// A recursive descent over the bytes of one document.
struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    let depthLimit: Int
    /// How many more values there may be.
    private var valuesLeft: Int
    var position = 0
    var depth = 0

    init(bytes: UnsafeRawBufferPointer, depthLimit: Int, valueLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        valuesLeft = valueLimit
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try self.value()
        skipSpace()
        guard position == bytes.count else { throw error("there is more after the end of the value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let byte = peek() else { throw error("a value is missing") }
        guard valuesLeft > 0 else { throw error("there are more values than may be") }
        valuesLeft -= 1
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw error("a value cannot start with this character")
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try enter()
        var members: [JSONValue.Member] = []
        var names = NameSet()
        if !take(UInt8(ascii: "}")) {
            repeat {
                // Of one member there are often many, and rarely of two.
                if members.count == 1 { members.reserveCapacity(4) }
                skipSpace()
                guard peek() == UInt8(ascii: "\"") else { throw error("a member's name in quotes is missing") }
                let start = position
                let name = try string()
                guard names.insert(name, after: members) else {
                    throw error("the object has this name already", at: start)
                }
                guard take(UInt8(ascii: ":")) else { throw error("a ':' is missing after the member's name") }
                skipSpace()
                members.append(JSONValue.Member(name, try value()))
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw error("a ',' or '}' is missing") }
        }
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        if !take(UInt8(ascii: "]")) {
            repeat {
                skipSpace()
                elements.append(try value())
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw error("a ',' or ']' is missing") }
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func enter() throws(JSONError) {
        guard depth < depthLimit else { throw error("the value nests deeper than \(depthLimit) levels") }
        depth += 1
        position += 1
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position..<end].elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        else { throw error("a value cannot start with this character") }
        position = end
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = skip(UInt8(ascii: "-"))
        var magnitude: UInt64? = 0
        let firstDigit = position
        while let digit = peek(), isDigit(digit) {
            if let value = magnitude {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
                magnitude = overflow || carry ? nil : sum
            }
            position += 1
        }
        guard position > firstDigit else { throw error("a digit is missing") }
        guard bytes[firstDigit] != UInt8(ascii: "0") || position == firstDigit + 1 else {
            throw error("a number cannot start with 0", at: firstDigit)
        }
        var isWhole = true
        if skip(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if let mark = peek(), mark | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits()
        }
        if isWhole, let magnitude {
            if !isNegative { return JSONValue(magnitude) }
            // "-0" is not a whole number in this model: an integer would lose its sign.
            if magnitude > 0, magnitude <= Int64.min.magnitude { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw error("the number is too large", at: start)
        }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) {
        guard let digit = peek(), isDigit(digit) else { throw error("a digit is missing") }
        while let digit = peek(), isDigit(digit) { position += 1 }
    }
}

extension JSONParser {
    func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    /// Steps over `byte` if it comes next.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    /// Steps over white space and then over `byte`, if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        return skip(byte)
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10
    }

    func error(_ message: String, at offset: Int? = nil) -> JSONError {
        let offset = offset ?? position
        var line = 1
        var column = 1
        for byte in bytes[..<offset] {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                // A continuation byte of UTF-8 belongs to the character before it.
                column += 1
            }
        }
        return JSONError(message: message, offset: offset, line: line, column: column)
    }
}

/// The names an object has so far. A few are compared one by one; a set of many keeps a hostile object from
/// costing the square of its size.
private struct NameSet {
    private var set: Set<String>?
    /// A bit for each name by its bytes: one whose bit is not set is new, and costs no comparison. So it is with ASCII only, where no two
    /// spellings are the same name.
    private var marks: UInt64 = 0
    private var isASCII = true

    /// False if `name` is there already; `members` are those already read.
    mutating func insert(_ name: String, after members: [JSONValue.Member]) -> Bool {
        var (sum, bits): (UInt64, UInt8) = (0, 0)
        var copy = name
        copy.withUTF8 { bytes in
            for byte in bytes {
                sum = sum &* 31 &+ UInt64(byte)
                bits |= byte
            }
        }
        isASCII = isASCII && bits < 0x80
        let mark: UInt64 = 1 &<< sum
        let isNew = isASCII && marks & mark == 0
        marks |= mark
        if set == nil {
            if isNew { return true }
            if members.count < 16 { return !members.contains { $0.name == name } }
            set = Set(members.lazy.map(\.name))
        }
        return set!.insert(name).inserted
    }
}

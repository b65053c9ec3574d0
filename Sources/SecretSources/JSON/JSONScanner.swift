import Linux

/// Where a value lies in JSON text; a string's quotes belong to it.
struct JSONPlace {
    let kind: SecretJSON.Kind
    let range: Range<Int>
}

/// Walks through JSON text without building anything but the names of members.
struct JSONScanner {
    /// What is nested deeper than any secret manager's answer is refused, before the stack is used up.
    private static let depthLimit = 64

    private let bytes: UnsafeRawBufferPointer
    private var position: Int
    private var depth = 0

    init(_ bytes: UnsafeRawBufferPointer, from position: Int) {
        self.bytes = bytes
        self.position = position
    }

    private var malformed: SecretJSON.Malformed { SecretJSON.Malformed(position: position) }
    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Steps over a value, and finds what lies at a path in it.
    mutating func find(_ path: ArraySlice<String>) throws(SecretJSON.Malformed) -> JSONPlace? {
        guard let name = path.first else { return try value() }
        skipSpace()
        guard next == UInt8(ascii: "{") else {
            _ = try value()
            return nil
        }
        var found: JSONPlace?
        _ = try object { scanner, other throws(SecretJSON.Malformed) in
            if other.hasSameBytes(as: name) {
                found = try scanner.find(path.dropFirst())
            } else {
                _ = try scanner.value()
            }
        }
        return found
    }

    /// Steps over a value.
    mutating func value() throws(SecretJSON.Malformed) -> JSONPlace {
        skipSpace()
        let start = position
        let kind: SecretJSON.Kind
        switch next {
        case UInt8(ascii: "{"):
            return try object { scanner, _ throws(SecretJSON.Malformed) in _ = try scanner.value() }
        case UInt8(ascii: "["):
            try array()
            kind = .array
        case UInt8(ascii: "\""):
            try string()
            kind = .string
        case UInt8(ascii: "t"):
            try word("true")
            kind = .boolean
        case UInt8(ascii: "f"):
            try word("false")
            kind = .boolean
        case UInt8(ascii: "n"):
            try word("null")
            kind = .null
        default:
            try number()
            kind = .number
        }
        return JSONPlace(kind: kind, range: start..<position)
    }

    /// Makes sure that nothing follows.
    mutating func end() throws(SecretJSON.Malformed) {
        skipSpace()
        guard next == nil else { throw malformed }
    }

    /// Steps over an object; `body` is called at each member's value, and has to step over that.
    mutating func object(
        _ body: (inout JSONScanner, String) throws(SecretJSON.Malformed) -> Void
    ) throws(SecretJSON.Malformed) -> JSONPlace {
        skipSpace()
        let start = position
        try enter()
        skipSpace()
        if next != UInt8(ascii: "}") {
            repeat {
                skipSpace()
                let name = try name()
                skipSpace()
                try take(UInt8(ascii: ":"))
                try body(&self, name)
                skipSpace()
            } while skip(UInt8(ascii: ","))
        }
        try take(UInt8(ascii: "}"))
        depth -= 1
        return JSONPlace(kind: .object, range: start..<position)
    }

    private mutating func array() throws(SecretJSON.Malformed) {
        try enter()
        skipSpace()
        if next != UInt8(ascii: "]") {
            repeat {
                _ = try value()
                skipSpace()
            } while skip(UInt8(ascii: ","))
        }
        try take(UInt8(ascii: "]"))
        depth -= 1
    }

    private mutating func enter() throws(SecretJSON.Malformed) {
        depth += 1
        guard depth <= Self.depthLimit, next != nil else { throw malformed }
        position += 1
    }

    private mutating func name() throws(SecretJSON.Malformed) -> String {
        let start = position
        try string()
        let range = start..<position
        return String(unsafeUninitializedCapacity: range.count) { Self.unescape(bytes, range, into: UnsafeMutableRawBufferPointer($0)) }
    }

    private mutating func string() throws(SecretJSON.Malformed) {
        try take(UInt8(ascii: "\""))
        let start = position
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw malformed }
            position += 1
            if byte == UInt8(ascii: "\\") { try escape() }
        }
        // Every byte of an escape is ASCII, so the text as a whole shows whether it is UTF-8.
        guard Self.isUTF8(UnsafeRawBufferPointer(rebasing: bytes[start..<position])) else { throw malformed }
        try take(UInt8(ascii: "\""))
    }

    private mutating func escape() throws(SecretJSON.Malformed) {
        guard let byte = next else { throw malformed }
        position += 1
        switch byte {
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            if 0xdc00...0xdfff ~= unit { throw malformed }
            guard 0xd800...0xdbff ~= unit else { return }
            // Half a character; the other half has to follow.
            try word("\\u")
            guard 0xdc00...0xdfff ~= (try hexadecimal()) else { throw malformed }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        default:
            throw malformed
        }
    }

    private mutating func hexadecimal() throws(SecretJSON.Malformed) -> Int {
        var result = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Self.digit(byte) else { throw malformed }
            result = result << 4 | digit
            position += 1
        }
        return result
    }

    private mutating func number() throws(SecretJSON.Malformed) {
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) { try digits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            _ = skip(UInt8(ascii: "+")) || skip(UInt8(ascii: "-"))
            try digits()
        }
    }

    private mutating func digits() throws(SecretJSON.Malformed) {
        let start = position
        while let byte = next, 0x30...0x39 ~= byte { position += 1 }
        guard position > start else { throw malformed }
    }

    private mutating func word(_ text: StaticString) throws(SecretJSON.Malformed) {
        for index in 0..<text.utf8CodeUnitCount { try take(text.utf8Start[index]) }
    }

    private mutating func take(_ byte: UInt8) throws(SecretJSON.Malformed) {
        guard skip(byte) else { throw malformed }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }
}

extension JSONScanner {
    /// Writes what a string means.
    ///
    /// - Parameters:
    ///   - range: of a string that was scanned before, quotes included.
    ///   - target: at least as large.
    /// - Returns: how many bytes it has.
    static func unescape(_ source: UnsafeRawBufferPointer, _ range: Range<Int>, into target: UnsafeMutableRawBufferPointer) -> Int {
        var position = range.lowerBound + 1
        var count = 0
        func put(_ byte: UInt8) {
            target[count] = byte
            count += 1
        }
        func unit(at place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 << 4 | UInt32(digit(source[place + $1]) ?? 0) }
        }
        while position < range.upperBound - 1 {
            let byte = source[position]
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                put(byte)
                continue
            }
            let kind = source[position]
            position += 1
            switch kind {
            case UInt8(ascii: "b"): put(0x08)
            case UInt8(ascii: "f"): put(0x0c)
            case UInt8(ascii: "n"): put(0x0a)
            case UInt8(ascii: "r"): put(0x0d)
            case UInt8(ascii: "t"): put(0x09)
            case UInt8(ascii: "u"):
                var code = unit(at: position)
                position += 4
                if 0xd800...0xdbff ~= code {
                    code = 0x10000 + (code - 0xd800) << 10 + (unit(at: position + 2) - 0xdc00)
                    position += 6
                }
                // The scan has seen to it that halves of characters come in pairs.
                for byte in Unicode.UTF8.encode(Unicode.Scalar(code)!)! { put(byte) }
            default: put(kind)
            }
        }
        return count
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x41 + 10
        case 0x61...0x66: Int(byte) - 0x61 + 10
        default: nil
        }
    }

    private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var decoder = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid: continue
            case .emptyInput: return true
            case .error: return false
            }
        }
    }
}

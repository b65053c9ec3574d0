extension JSONParser {
    /// The string that starts at `position`, which holds its opening quote.
    mutating func string() throws(JSONError) -> String {
        let start = position + 1
        position = start
        let isASCII = try skipPlain()
        if bytes[position] == UInt8(ascii: "\"") {
            position += 1
            return try text(UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1]), isASCII: isASCII, from: start)
        }
        var unescaped = Array(bytes[start..<position])
        while bytes[position] != UInt8(ascii: "\"") {
            position += 1
            try escape(into: &unescaped)
            let plain = position
            _ = try skipPlain()
            unescaped += bytes[plain..<position]
        }
        position += 1
        let result = Result { [self] () throws(JSONError) in
            try unescaped.withUnsafeBytes { buffer in
                Result { () throws(JSONError) in try text(buffer, isASCII: false, from: start) }
            }.get()
        }
        return try result.get()
    }

    /// Steps to the next quote or backslash.
    ///
    /// - Returns: whether all on the way is ASCII.
    private mutating func skipPlain() throws(JSONError) -> Bool {
        var all: UInt8 = 0
        for byte in bytes[position...] {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return all < 0x80 }
            guard byte >= 0x20 else { throw error("a control character in a string has to be escaped") }
            all |= byte
            position += 1
        }
        throw error("a string does not end")
    }

    private func text(_ buffer: UnsafeRawBufferPointer, isASCII: Bool, from start: Int) throws(JSONError) -> String {
        // Validating looks up generic metadata for each string; most strings can't be anything but valid.
        if isASCII {
            return String(decoding: buffer.assumingMemoryBound(to: UInt8.self), as: UTF8.self)
        }
        guard let text = String(validating: buffer, as: UTF8.self) else {
            throw error("a string is not UTF-8", at: start)
        }
        return text
    }

    /// Reads what follows a backslash.
    private mutating func escape(into result: inout [UInt8]) throws(JSONError) {
        let start = position - 1
        guard let mark = peek() else { throw error("a string does not end") }
        position += 1
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(mark)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            switch code {
            case 0xD800..<0xDC00:
                guard skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else {
                    throw error("half a surrogate pair is no character", at: start)
                }
                let low = UInt32(try hexadecimal())
                guard (0xDC00..<0xE000).contains(low) else {
                    throw error("half a surrogate pair is no character", at: start)
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            case 0xDC00..<0xE000:
                throw error("half a surrogate pair is no character", at: start)
            default: break
            }
            // Surrogates are gone, so this is always a scalar.
            result += UTF8.encode(Unicode.Scalar(code) ?? "\u{FFFD}")!
        default: throw error("there is no such escape", at: start)
        }
    }

    /// The four digits of `\uXXXX`.
    private mutating func hexadecimal() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("'\\u' needs four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}

import Glibc

/// The form of Docker's json-file log driver: one JSON object per line,
/// `{"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.06Z"}`.
///
/// Written by hand rather than through `Codable`: this is the one path whose cost grows with what the
/// services print.
enum JSONFileLine {
    /// Appends one line of the file.
    ///
    /// Escapes as Docker does: `<`, `>`, `&` and control characters as `\u00XX`, a byte that is no UTF-8
    /// as `\ufffd`.
    static func append(_ text: UnsafeRawBufferPointer, newline: Bool, tail: Tail, to line: inout [UInt8]) {
        line.append(contentsOf: #"{"log":""#.utf8)
        appendEscaped(text, to: &line)
        if newline { line.append(contentsOf: #"\n"#.utf8) }
        line.append(contentsOf: tail.bytes)
    }

    /// What follows the text: the same for all lines that were read at once.
    struct Tail {
        let stream: LogStream
        let time: LogTime
        let bytes: [UInt8]

        init(_ stream: LogStream, _ time: LogTime) {
            self.stream = stream
            self.time = time
            var bytes = Array((stream == .stdout ? #"","stream":"stdout","time":""# : #"","stream":"stderr","time":""#).utf8)
            time.append(to: &bytes)
            bytes += "\"}\n".utf8
            self.bytes = bytes
        }
    }

    private static func appendEscaped(_ text: UnsafeRawBufferPointer, to line: inout [UInt8]) {
        var index = 0
        var plain = 0
        func flush(_ line: inout [UInt8]) {
            if plain < index { line.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[plain..<index])) }
        }
        while index < text.count {
            index = endOfPlain(text, from: index)
            guard index < text.count else { break }
            let byte = text[index]
            if byte >= 0x80 {
                let length = sequenceLength(text, at: index)
                // U+2028 and U+2029 (E2 80 A8, E2 80 A9) end a line in JavaScript.
                let separates = length == 3 && byte == 0xE2 && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8
                if length > 0 && !separates {
                    index += length
                    continue
                }
                flush(&line)
                if length == 0 {
                    line.append(contentsOf: #"\ufffd"#.utf8)
                } else {
                    line.append(contentsOf: text[index + 2] == 0xA8 ? #"\u2028"#.utf8 : #"\u2029"#.utf8)
                }
                index += max(length, 1)
                plain = index
                continue
            }
            flush(&line)
            switch byte {
            case UInt8(ascii: "\""): line.append(contentsOf: #"\""#.utf8)
            case UInt8(ascii: "\\"): line.append(contentsOf: #"\\"#.utf8)
            case UInt8(ascii: "\n"): line.append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\r"): line.append(contentsOf: #"\r"#.utf8)
            default:
                line.append(contentsOf: #"\u00"#.utf8)
                line.append(hexadecimal(byte >> 4))
                line.append(hexadecimal(byte & 0xF))
            }
            index += 1
            plain = index
        }
        flush(&line)
    }

    /// Where the text that starts at `index` and needs no escapes ends. Looks at 8 bytes at once: most of what services print is plain.
    private static func endOfPlain(_ text: UnsafeRawBufferPointer, from index: Int) -> Int {
        var index = index
        while index + 8 <= text.count, isPlain(text.loadUnaligned(fromByteOffset: index, as: UInt64.self)) { index += 8 }
        while index < text.count, isPlain(text[index]) { index += 1 }
        return index
    }

    /// Whether each of 8 bytes is plain. A byte below `n` borrows from its own highest bit when `n` is taken from it.
    private static func isPlain(_ bytes: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101, highest = ones << 7
        func zeros(_ bytes: UInt64) -> UInt64 { (bytes &- ones) & ~bytes }
        let others = bytes | (bytes &- ones &* 0x20)
            | zeros(bytes ^ ones &* 0x22) | zeros(bytes ^ ones &* 0x5C)
            | zeros(bytes ^ ones &* 0x3C) | zeros(bytes ^ ones &* 0x3E) | zeros(bytes ^ ones &* 0x26)
        return others & highest == 0
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x80..., UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
        default: true
        }
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }

    /// The length of the UTF-8 sequence at `index`, 0 where it is none (RFC 3629: no overlong forms,
    /// no surrogates, nothing above U+10FFFF).
    private static func sequenceLength(_ text: UnsafeRawBufferPointer, at index: Int) -> Int {
        let first = text[index]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard index + length <= text.count, second.contains(text[index + 1]) else { return 0 }
        for offset in 2..<max(length, 2) where text[index + offset] & 0xC0 != 0x80 { return 0 }
        return length
    }
}

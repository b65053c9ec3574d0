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
    static func append(_ text: UnsafeRawBufferPointer, newline: Bool, tail: Tail, to lines: inout LineBuffer) {
        // An escape makes six bytes of one at most.
        lines.append(atMost: 8 + 6 * text.count + 8 + 2 + Tail.room) { start in
            var end = put(#"{"log":""#, at: start)
            end = putEscaped(text, at: end)
            if newline { end = put(#"\n"#, at: end) }
            end.storeBytes(of: tail.bytes, as: SIMD64<UInt8>.self)
            return end + tail.count - start
        }
    }

    /// What follows the text: the same for all lines that were read at once.
    struct Tail {
        let time: LogTime
        /// The first ``count`` of them: what is stored as a whole needs no call and no length.
        fileprivate let bytes: SIMD64<UInt8>
        fileprivate let count: Int

        /// How many bytes there may be: 27 before the time, 30 of RFC 3339 with nanoseconds, 3 after it.
        fileprivate static let room = SIMD64<UInt8>.scalarCount

        init(_ stream: LogStream, _ time: LogTime) {
            self.time = time
            var text = Array((stream == .stdout ? #"","stream":"stdout","time":""# : #"","stream":"stderr","time":""#).utf8)
            time.append(to: &text)
            text += "\"}\n".utf8
            precondition(text.count <= Self.room)
            count = text.count
            bytes = SIMD64(text + repeatElement(0, count: Self.room - text.count))
        }
    }

    /// Copies the text in pieces, which it looks at on the way: most of what services print needs no escapes.
    ///
    /// May write to seven bytes more than it returns the end of.
    private static func putEscaped(_ text: UnsafeRawBufferPointer, at start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard var from = text.baseAddress else { return start }
        let last = from + text.count
        var end = start
        while from < last {
            // A jump that is foreseen, and not a sum that the next piece has to wait for, goes past the usual ones.
            if last - from >= 16 {
                let words = from.loadUnaligned(as: SIMD2<UInt64>.self)
                end.storeBytes(of: words, as: SIMD2<UInt64>.self)
                let marks = unplain(words)
                if marks[0] | marks[1] == 0 {
                    from += 16
                    end += 16
                    continue
                }
            }
            let size = last - from < 8 ? 1 : 8
            let word = size == 8 ? from.loadUnaligned(as: UInt64.self) : 0x2020_2020_2020_2000 | UInt64(from.load(as: UInt8.self))
            end.storeBytes(of: word, as: UInt64.self)
            let marks = unplain(SIMD2(repeating: word))[0]
            if marks == 0 {
                from += size
                end += size
                continue
            }
            let plain = marks.trailingZeroBitCount / 8
            from += plain
            end = putUnplain(UnsafeRawBufferPointer(start: from, count: last - from), at: end + plain, &from)
        }
        return end
    }

    /// Puts what the text begins with and what is no plain character, and moves `from` to what follows it.
    private static func putUnplain(
        _ text: UnsafeRawBufferPointer, at end: UnsafeMutableRawPointer, _ from: inout UnsafeRawPointer
    ) -> UnsafeMutableRawPointer {
        let byte = text[0]
        let length = byte < 0x80 ? 1 : sequenceLength(text, at: 0)
        from += max(length, 1)
        switch byte {
        case UInt8(ascii: "\""): return put(#"\""#, at: end)
        case UInt8(ascii: "\\"): return put(#"\\"#, at: end)
        case UInt8(ascii: "\n"): return put(#"\n"#, at: end)
        case UInt8(ascii: "\r"): return put(#"\r"#, at: end)
        case ..<0x80:
            let digits = put(#"\u00"#, at: end)
            digits.storeBytes(of: hexadecimal(byte >> 4), as: UInt8.self)
            (digits + 1).storeBytes(of: hexadecimal(byte & 0xF), as: UInt8.self)
            return digits + 2
        case _ where length == 0: return put(#"\ufffd"#, at: end)
        // U+2028 and U+2029 end a line in JavaScript.
        case 0xE2 where text[1] == 0x80 && text[2] == 0xA8: return put(#"\u2028"#, at: end)
        case 0xE2 where text[1] == 0x80 && text[2] == 0xA9: return put(#"\u2029"#, at: end)
        default:
            end.copyMemory(from: text.baseAddress!, byteCount: length)
            return end + length
        }
    }

    private static func put(_ text: StaticString, at end: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        end.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        return end + text.utf8CodeUnitCount
    }

    /// Which bytes of each word need an escape, or a look because they are no ASCII: the highest bit of the first such byte is set, and of none
    /// before it.
    ///
    /// A byte below `n` borrows from that bit when `n` is taken from it, and from the bytes after it, whose bits say nothing then. (Swift compares
    /// the elements of a `SIMD16` one by one; what is done here are instructions for vectors.)
    @inline(__always)
    private static func unplain(_ words: SIMD2<UInt64>) -> SIMD2<UInt64> {
        let ones = SIMD2<UInt64>(repeating: 0x0101_0101_0101_0101)
        func zeros(_ bytes: SIMD2<UInt64>) -> SIMD2<UInt64> { (bytes &- ones) & ~bytes }
        // `"` and `&`, 0x22 and 0x26, differ in one bit, and so do `<` and `>`, 0x3C and 0x3E. The last is the backslash.
        let found = words | (words &- ones &* 0x20) | zeros((words | ones &* 0x04) ^ (ones &* 0x26))
            | zeros((words | ones &* 0x02) ^ (ones &* 0x3E)) | zeros(words ^ (ones &* 0x5C))
        return found & (ones &* 0x80)
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

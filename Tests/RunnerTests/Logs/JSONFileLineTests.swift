import Glibc
import Testing

@testable import Runner

@Suite struct JSONFileLineTests {
    private func line(_ bytes: [UInt8], newline: Bool = true) -> String {
        var result = LineBuffer()
        bytes.withUnsafeBytes {
            JSONFileLine.append($0, newline: newline, tail: .init(.stderr, LogTime("2026-01-02T03:04:05.0607Z")!), to: &result)
        }
        return result.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test func aLineHasDockersForm() {
        #expect(line(Array("hello".utf8)) == #"{"log":"hello\n","stream":"stderr","time":"2026-01-02T03:04:05.0607Z"}"# + "\n")
    }

    @Test func quotesControlsAndMarkupAreEscapedAsDockerDoes() {
        #expect(line(Array("\"\\\t\r\u{1B}<&>".utf8), newline: false).hasPrefix(#"{"log":"\"\\\u0009\r\u001b\u003c\u0026\u003e","stream""#))
        #expect(line(Array("\u{2028}\u{2029}".utf8), newline: false).hasPrefix(#"{"log":"\u2028\u2029""#))
    }

    @Test(arguments: [
        ([0x61, 0xFF, 0x62], #"a\ufffdb"#), ([0xC0, 0x80], #"\ufffd\ufffd"#), ([0xED, 0xA0, 0x80], #"\ufffd\ufffd\ufffd"#),
        ([0xF4, 0x90, 0x80, 0x80], #"\ufffd\ufffd\ufffd\ufffd"#), ([0xE2, 0x82], #"\ufffd\ufffd"#), ([0xC3, 0xBC], "ü"),
        ([0xF0, 0x9F, 0x98, 0x80], "😀"), ([0xE2, 0x80], #"\ufffd\ufffd"#),
    ] as [([UInt8], String)])
    func bytesThatAreNoUTF8AreReplacedOneByOne(bytes: [UInt8], text: String) {
        #expect(line(bytes, newline: false).hasPrefix(#"{"log":"\#(text)","stream""#))
    }

    @Test func eachByteIsSeenWhereverItStands() {
        let rest = line([], newline: false).utf8.count
        for byte in UInt8.min..<0x80 {
            let alone = line([byte], newline: false).utf8.dropFirst(8)
            let escaped = String(decoding: alone.prefix(alone.count + 8 - rest), as: UTF8.self)
            for place in 0..<24 {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 24)
                bytes[place] = byte
                let text = String(repeating: "a", count: place) + escaped + String(repeating: "a", count: 23 - place)
                #expect(line(bytes, newline: false).hasPrefix(#"{"log":"\#(text)","stream""#), "byte \(byte) at \(place)")
            }
        }
    }

    @Test func whatIsNoASCIIIsSeenWhereverItStands() {
        for (bytes, text) in [(Array("ü".utf8), "ü"), (Array("\u{2028}".utf8), #"\u2028"#), (Array("😀".utf8), "😀"), ([0xFF], #"\ufffd"#), ([0xE2], #"\ufffd"#)] {
            for place in 0...40 {
                let before = String(repeating: "a", count: place), after = String(repeating: "b", count: 40 - place)
                let whole = line(Array(before.utf8) + bytes + Array(after.utf8), newline: false)
                #expect(whole.hasPrefix(#"{"log":"\#(before + text + after)","stream""#), "\(bytes) at \(place)")
            }
        }
    }

    @Test func whatIsWrittenCanBeReadAgain() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0..<60)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let text = line(bytes)
            let entry = try #require(JSONFileLine.parse(Array(text.utf8.dropLast()), instance: "web-1"))
            // Swift replaces by maximal subparts, Go by bytes: only well-formed parts compare equal.
            if String(validating: bytes, as: UTF8.self) != nil { #expect(entry.bytes == bytes + [10]) }
            #expect(entry.stream == .stderr)
        }
    }

    @Test(arguments: ["", "{", "[]", #"{"log":1,"stream":"stdout","time":"x"}"#, #"{"log":"a","stream":"stdin","time":"2026-01-02T03:04:05Z"}"#])
    func aForeignLineIsLeftOut(text: String) {
        #expect(JSONFileLine.parse(Array(text.utf8), instance: "web-1") == nil)
    }
}

@Suite struct LogTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2024-02-29T23:59:59.5Z", 1_709_251_199_500_000_000), ("2026-11-24T11:51:04.000000001Z", 1_795_521_064_000_000_001),
        ("1969-12-31T23:59:59.999999999Z", -1), ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
    ] as [(String, Int64)])
    func textAndNumberAgree(text: String, nanoseconds: Int64) {
        #expect(LogTime(text)?.nanoseconds == nanoseconds)
        #expect(LogTime(nanoseconds: nanoseconds).description == text)
    }

    @Test(arguments: [("1970-01-01T00:00:00.000000000Z", 0), ("2024-02-29T23:59:59.500000000Z", 1_709_251_199_500_000_000)] as [(String, Int64)])
    func peopleAreShownAllNineDigits(text: String, nanoseconds: Int64) {
        #expect(LogTime(nanoseconds: nanoseconds).fixedDescription == text && LogTime(text)?.nanoseconds == nanoseconds)
    }

    @Test func anOffsetIsTakenIntoAccount() {
        #expect(LogTime("2026-01-02T03:04:05+02:00") == LogTime("2026-01-02T01:04:05Z"))
    }

    @Test(arguments: ["", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "9999-01-01T00:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx"])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(LogTime(text) == nil)
    }
}

@Suite struct LineSplitterTests {
    private struct Piece: Equatable {
        var text: String
        var ends: Bool
        var time: Int64
    }

    private func pieces(_ chunks: [String], finish: Bool = true) -> [Piece] {
        var splitter = LineSplitter()
        var result: [Piece] = []
        for (index, chunk) in chunks.enumerated() {
            Array(chunk.utf8).withUnsafeBytes {
                splitter.consume($0, at: LogTime(nanoseconds: Int64(index))) {
                    result.append(Piece(text: String(decoding: $0, as: UTF8.self), ends: $1, time: $2.nanoseconds))
                }
            }
        }
        if finish {
            splitter.finish(at: LogTime(nanoseconds: 99)) {
                result.append(Piece(text: String(decoding: $0, as: UTF8.self), ends: $1, time: $2.nanoseconds))
            }
        }
        return result
    }

    @Test func linesAreCutAtNewlinesWhereverTheChunksEnd() {
        #expect(pieces(["a\nb", "c\n\n", "d\n"]) == [
            Piece(text: "a", ends: true, time: 0), Piece(text: "bc", ends: true, time: 1), Piece(text: "", ends: true, time: 1),
            Piece(text: "d", ends: true, time: 2),
        ])
    }

    @Test func aLongLineComesInPartsWithTheTimeOfTheFirst() {
        let part = String(repeating: "x", count: LineSplitter.partLimit)
        #expect(pieces([part, part + "y", "z\n", "next\n"]) == [
            Piece(text: part, ends: false, time: 0), Piece(text: part, ends: false, time: 0), Piece(text: "yz", ends: true, time: 0),
            Piece(text: "next", ends: true, time: 3),
        ])
    }

    @Test func aLastLineWithoutAnEndIsKept() {
        #expect(pieces(["prompt> "]) == [Piece(text: "prompt> ", ends: false, time: 99)])
        #expect(pieces(["prompt> "], finish: false) == [])
    }
}

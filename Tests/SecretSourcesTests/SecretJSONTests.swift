import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

@Suite struct SecretJSONTests {
    private func string(_ path: String..., in json: String) throws -> String? {
        try SecretJSON.string(at: path, in: .guarding(json))?.text
    }

    private func isMalformed(_ bytes: [UInt8]) throws -> Bool {
        do throws(SecretJSON.Malformed) {
            let text = try? SecretBytes(copying: bytes)
            _ = try SecretJSON.kind(at: [], in: text!)
            return false
        } catch {
            return true
        }
    }

    @Test func aMemberIsFoundByItsPath() throws {
        let json = #" {"data": {"other": [1, {"password": "no"}], "data": {"password": "correct horse"}}, "password": "no"} "#
        #expect(try string("data", "data", "password", in: json) == "correct horse")
        #expect(try string("password", in: json) == "no")
        #expect(try string("data", "password", in: json) == nil)
        #expect(try string("data", "data", in: json) == nil)
        #expect(try string("data", "other", "password", in: json) == nil)
        #expect(try string(in: #""whole""#) == "whole")
    }

    @Test func theLastOfTwoMembersCounts() throws {
        #expect(try string("a", in: #"{"a": "1", "a": "2"}"#) == "2")
        #expect(try string("a", in: #"{"a": "1", "a": null}"#) == nil)
    }

    @Test func namesAreComparedByWhatTheyMeanByteForByte() throws {
        #expect(try string("pass/wörd", in: #"{"pass\/w\u00f6rd": "x"}"#) == "x")
        // The same letter, but in two code points.
        #expect(try string("w\u{f6}rd", in: "{\"wo\u{308}rd\": \"x\"}") == nil)
    }

    @Test func escapesAreUndone() throws {
        #expect(try string(in: #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00""#) == "\"\\/\u{8}\u{c}\n\r\tAé€😀")
        #expect(try SecretJSON.string(at: [], in: .guarding(#""\u0000""#))?.count == 1)
        #expect(try string(in: "\"é€😀\"") == "é€😀")
        #expect(try string(in: #""""#) == "")
    }

    @Test func otherKindsComeAsTheyStandThere() throws {
        let json = #"{"port": 5432, "on": true, "none": null, "nested": {"a" : [1]}, "text": "x", "digits": "3600"}"#
        func text(_ name: String) throws -> String? { try SecretJSON.text(at: [name], in: .guarding(json))?.text }
        #expect(try text("port") == "5432")
        #expect(try text("on") == "true")
        #expect(try text("none") == nil)
        #expect(try text("nested") == #"{"a" : [1]}"#)
        #expect(try text("text") == "x")
        #expect(try SecretJSON.integer(at: ["port"], in: .guarding(json)) == 5432)
        #expect(try SecretJSON.integer(at: ["digits"], in: .guarding(json)) == 3600)
        #expect(try SecretJSON.integer(at: ["text"], in: .guarding(json)) == nil)
        #expect(try SecretJSON.names(at: [], in: .guarding(json)) == ["port", "on", "none", "nested", "text", "digits"])
        #expect(try SecretJSON.names(at: ["port"], in: .guarding(json)) == nil)
        #expect(try SecretJSON.kind(at: ["nested"], in: .guarding(json)) == .object)
        #expect(try SecretJSON.kind(at: ["missing"], in: .guarding(json)) == nil)
    }

    @Test(arguments: [
        "{}", "[]", "0", "-0.5e+3", "1E9", "true", "false", "null", "[1,2 , {\"a\":[]}]", " \t\r\n1 ", "\"\u{7f}\"",
    ])
    func thisIsJSON(text: String) throws {
        #expect(try !isMalformed(Array(text.utf8)))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "1.", ".5", "-", "1e", "+1", "tru", "nul",
        "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "1 2", "{}{}", "NaN", "\u{feff}{}", "// c\n1",
    ])
    func thisIsNot(text: String) throws {
        #expect(try isMalformed(Array(text.utf8)))
    }

    @Test func textThatIsNotUTF8IsRefused() throws {
        for bytes in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]] as [[UInt8]] {
            #expect(try isMalformed([0x22] + bytes + [0x22]))
        }
    }

    @Test func nestingHasALimit() throws {
        func nested(_ depth: Int) -> [UInt8] { Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8) }
        #expect(try !isMalformed(nested(64)))
        #expect(try isMalformed(nested(65)))
        #expect(try isMalformed(Array(String(repeating: "{\"a\":", count: 200_000).utf8)))
    }

    /// Whatever one byte becomes, the scan ends without a crash.
    @Test func anyByteMayBeWrong() throws {
        let text = Array(#"{"a": ["x\ud83d\ude00", -1.5e3, true], "b": {"c": null}}"#.utf8)
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[index] = byte
                let bytes = try SecretBytes(copying: changed)
                _ = try? SecretJSON.text(at: ["a"], in: bytes)
                _ = try? SecretJSON.names(at: ["b"], in: bytes)
            }
        }
        for count in 0..<text.count { #expect(try isMalformed(Array(text[..<count]))) }
    }
}

extension SecretBytes {
    /// What a test's own value is.
    var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

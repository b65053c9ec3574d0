import Testing
@testable import JSON

@Suite struct ParsingTests {
    @Test func aDocumentKeepsItsOrderAndItsNumbers() throws {
        let value = try JSONValue.parse(#" {"b": [1, -2, 2.5, 1e3, true, false, null], "a": {"x": "y"}, "c": []} "#)
        #expect(value == [
            "b": [1, -2, .number(2.5), .number(1000), true, false, nil], "a": ["x": "y"], "c": [],
        ])
        #expect(value["a"]?["x"]?.stringValue == "y")
        #expect(value["b"]?[0]?.integerValue == 1)
        #expect(value["b"]?[3]?.integerValue == 1000)
        #expect(value["b"]?[7] == nil)
        #expect(value["nowhere"] == nil)
    }

    @Test func wholeNumbersKeepAll64Bits() throws {
        #expect(try JSONValue.parse("18446744073709551615") == .unsigned(.max))
        #expect(try JSONValue.parse("9223372036854775807") == .integer(.max))
        #expect(try JSONValue.parse("-9223372036854775808") == .integer(.min))
        #expect(try JSONValue.parse("9223372036854775808").serialized() == "9223372036854775808")
        #expect(try JSONValue.parse("18446744073709551616") == .number(18446744073709551616))
        #expect(try JSONValue.parse("-0").serialized() == "-0")
    }

    @Test(arguments: [
        (1e30, "1e+30"), (1.5e21, "1.5e+21"), (1e20, "100000000000000000000"), (0.000001, "0.000001"), (1e-7, "1e-7"),
        (-1.25e-9, "-1.25e-9"), (1234567.5, "1234567.5"), (0.5, "0.5"), (0.00012, "0.00012"),
    ])
    func numbersAreWrittenAsGoWritesThem(number: Double, text: String) {
        #expect(JSONValue.number(number).serialized() == text)
    }

    @Test func escapesBecomeCharacters() throws {
        let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00 é""#
        #expect(try JSONValue.parse(text) == .string("\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{20AC}\u{1F600} é"))
        #expect(try JSONValue.parse(#""\u0000""#) == .string("\0"))
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "{}}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}",
        "01", "-", "1.", ".5", "1e", "1e+", "+1", "0x10", "1e999", "-1e999", "NaN", "Infinity", "tru", "nul", "trueX",
        "\"", "\"\\", "\"\\u12\"", "\"\\u12g4\"", "\"\\x\"", "\"a\nb\"", "\"\u{7}\"", "'a'", "1 2", "// x\n1", "[1] x",
        "\"\\ud83d\"", "\"\\ud83d\\u0041\"", "\"\\ude00\"", "\"\\ud83d\\", "\u{FEFF}1", "\u{0}", "\"\\u+123\"",
    ])
    func whatIsNotJSONIsRefused(text: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
        [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
    ] as [[UInt8]])
    func aStringThatIsNotUTF8IsRefused(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
    }

    @Test func anErrorNamesItsPlaceAndNotTheText() {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse("{\n  \"é\": hunter2\n}") }
        #expect(error?.description == "line 2, column 8: a value cannot start with this character")
        #expect(error?.offset == 10)
    }

    @Test func aNameTwiceIsRefused() throws {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(#"{"a":1, "a":2}"#) }
        #expect(error?.column == 9)
        let many = (0..<100).map { "\"n\($0)\":0" }.joined(separator: ",")
        #expect(throws: Never.self) { try JSONValue.parse("{\(many)}") }
        #expect(throws: JSONError.self) { try JSONValue.parse("{\(many),\"n50\":1}") }
        for count in 1...40 {
            let names = (0..<count).map { "\"n\($0)\":0" }.joined(separator: ",")
            for twice in 0..<count {
                #expect(throws: JSONError.self) { try JSONValue.parse("{\(names),\"n\(twice)\":1}") }
            }
        }
    }

    @Test(arguments: [#"{"a":1,"\u0061":2}"#, "{\"a\":0,\"\u{E9}\":1,\"e\u{301}\":2}", "{\"e\u{301}\":1,\"b\":0,\"\u{E9}\":2}"])
    func anotherSpellingOfANameIsThatName(text: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    }

    @Test func deepNestingIsRefusedBeforeItHurts() throws {
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(throws: JSONError.self) { try JSONValue.parse(deep) }
        let nested = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(throws: Never.self) { try JSONValue.parse(nested) }
        #expect(throws: JSONError.self) { try JSONValue.parse("[\(nested)]") }
    }

    @Test func moreValuesThanTheCallerHasRoomForAreRefused() throws {
        let text = Array(#"{"a":[1,{},"x"],"b":null}"#.utf8)
        #expect(throws: Never.self) { try JSONValue.parse(text, valueLimit: 6) }
        #expect(throws: JSONError.self) { try JSONValue.parse(text, valueLimit: 5) }
    }

    @Test func mutatedDocumentsNeverCrash() {
        let seed = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n"],"b":{"c":null,"d":true},"e":18446744073709551615}"#.utf8)
        var random = SplitMix(state: 7)
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...Int(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                default: bytes.insert(seed[Int(random.next() % UInt64(seed.count))], at: place)
                }
            }
            if let value = try? JSONValue.parse(bytes) {
                #expect((try? JSONValue.parse(value.serialized())) != nil)
            }
        }
    }
}

@Suite struct SerializingTests {
    @Test func textIsWhatGoWrites() {
        let value: JSONValue = [
            "name": "a<b>&\u{2028}\"\\\u{1}\n\u{8}é", "empty": [:], "list": [], "n": [1, .number(2), .number(0.5), nil],
        ]
        #expect(value.serialized() ==
            #"{"name":"a\u003cb\u003e\u0026\u2028\"\\\u0001\n\bé","empty":{},"list":[],"n":[1,2,0.5,null]}"#)
        #expect(JSONValue.string("<&>").serialized(escapingHTML: false) == "\"<&>\"")
        #expect(JSONValue.number(.nan).serialized() == "null")
    }

    @Test func prettyTextHasOneMemberPerLine() {
        let value: JSONValue = ["a": [1, ["b": []]], "c": [:]]
        #expect(value.serialized(pretty: true) == """
            {
              "a": [
                1,
                {
                  "b": []
                }
              ],
              "c": {}
            }
            """)
    }

    @Test func textIsAppendedToWhatIsThere() {
        var bytes = Array("x=".utf8)
        JSONValue.integer(-7).serialize(into: &bytes)
        #expect(bytes == Array("x=-7".utf8))
    }
}

@Suite struct CodableTests {
    struct Limits: Codable, Equatable {
        var soft: UInt64
        var hard: UInt64
    }
    enum Choice: Codable, Equatable {
        case none
        case bind(source: String, readOnly: Bool)
        case retries(Int?)
    }
    enum Kind: String, Codable { case secret, config }
    struct Everything: Codable, Equatable {
        var text = "é\u{1F600}\0"
        var list = ["a", "b"]
        var limits = [Limits(soft: 1, hard: .max)]
        var choices: [Choice] = [.none, .bind(source: "/", readOnly: true), .retries(nil), .retries(3)]
        var kind = Kind.config
        var missing: Int?
        var present: Int32? = -5
        var small: UInt8 = 255
        var bytes: [UInt8] = [0, 255]
        var fraction = 0.1
        var half: Float = 0.5
        var flag = true
        var map = ["z": 1, "a": 2]
        var optionals: [Int?] = [1, nil]
        var any: JSONValue = ["k": [nil, 1.5]]
    }

    @Test func valuesComeBackAsTheyWent() throws {
        let bytes = try JSON.encode(Everything())
        #expect(try JSON.decode(Everything.self, from: bytes) == Everything())
    }

    @Test func theTextIsStable() throws {
        struct Small: Encodable {
            var b = "x"
            var a: Int?
            var map = ["z": 1, "a": 2, "m": 3]
            var choice = Choice.bind(source: "/s", readOnly: false)
        }
        #expect(String(decoding: try JSON.encode(Small()), as: UTF8.self) ==
            #"{"b":"x","map":{"a":2,"m":3,"z":1},"choice":{"bind":{"source":"/s","readOnly":false}}}"#)
        #expect(try JSON.encodeValue(Choice.none) == ["none": [:]])
        #expect(try JSON.encodeValue(7) == 7)
        #expect(try JSON.encodeValue([String]()) == [])
    }

    @Test func aSubclassSharesItsObjectWithItsSuperclass() throws {
        class Base: Encodable { var base = 1 }
        class Derived: Base {
            var own = 2
            enum Keys: CodingKey { case own }
            override func encode(to encoder: any Encoder) throws {
                try super.encode(to: encoder)
                var container = encoder.container(keyedBy: Keys.self)
                try container.encode(own, forKey: .own)
            }
        }
        #expect(try JSON.encodeValue(Derived()) == ["base": 1, "own": 2])
    }

    @Test func aWrongTypeIsAnErrorThatNamesThePathAndNotTheValue() throws {
        struct Outer: Decodable { var limits: [Limits] }
        let bytes = Array(#"{"limits":[{"soft":1,"hard":2},{"soft":"hunter2","hard":2}]}"#.utf8)
        let error = #expect(throws: DecodingError.self) { try JSON.decode(Outer.self, from: bytes) }
        guard case .typeMismatch(_, let context) = error else { Issue.record("\(String(describing: error))"); return }
        #expect(context.codingPath.map(\.stringValue) == ["limits", "1", "soft"])
        #expect(context.debugDescription == "UInt64 cannot be read from a string")
    }

    @Test(arguments: ["256", "-1", "1.5", "true", "\"1\"", "null", "1e400", "[]"])
    func aNumberOutOfItsTypesRangeIsRefused(text: String) {
        #expect(throws: (any Error).self) { try JSON.decode(UInt8.self, from: Array(text.utf8)) }
    }

    @Test func aMissingMemberIsAnError() {
        #expect(throws: DecodingError.self) { try JSON.decode(Limits.self, from: Array("{\"soft\":1}".utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode(Choice.self, from: Array("{}".utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode(Choice.self, from: Array("{\"no\":{}}".utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode(Kind.self, from: Array("\"x\"".utf8)) }
    }

    @Test func aBigObjectIsReadQuickly() throws {
        let map = Dictionary(uniqueKeysWithValues: (0..<20_000).map { ("key\($0)", $0) })
        #expect(try JSON.decode([String: Int].self, from: JSON.encode(map)) == map)
    }

    @Test func aNumberThatJSONCannotSayIsRefused() {
        #expect(throws: EncodingError.self) { try JSON.encode(Double.infinity) }
        #expect(throws: EncodingError.self) { try JSON.encode(["x": Float.nan]) }
    }
}

/// A small generator, so that a failing run can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

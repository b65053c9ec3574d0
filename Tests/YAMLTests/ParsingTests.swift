import Testing

@testable import YAML

private func parse(_ text: String, limits: Limits = Limits()) -> ParsedStream {
    parseYAML(SourceText(file: "compose.yaml", bytes: Array(text.utf8)), limits: limits)
}

private func document(_ text: String) throws -> Node {
    let stream = parse(text)
    #expect(stream.diagnostics.isEmpty)
    return try #require(stream.documents.first)
}

private func firstError(_ text: String) throws -> Diagnostic {
    try #require(parse(text).diagnostics.first)
}

@Suite struct Places {
    @Test func everyValueAndKeyKnowsItsLineAndColumn() throws {
        let root = try document("services:\n  web:\n    image: nginx\n    ports:\n      - 80\n")
        let web = try #require(root["services"]?["web"])
        let image = try #require(web.mapping?.entries.first)
        #expect((image.keyPlace.line, image.keyPlace.column) == (3, 5))
        #expect((image.value.place.line, image.value.place.column) == (3, 12))
        #expect(web["ports"]?.sequence?.first?.place.line == 5)
        #expect(image.keyPlace.excerpt == .line("    image: nginx", column: 5))
    }

    @Test func columnsAreCountedInCharacters() throws {
        let root = try document("\"é😀\": x")
        #expect(root.mapping?.entries.first?.value.place.column == 7)
    }

    @Test func aDollarSignOfAFoldedBlockIsFoundInTheSource() throws {
        let root = try document("a: >\n  one\n  two $X and\n  three $Y\n")
        let place = try #require(root["a"]).place.occurrence(1, of: UInt8(ascii: "$"))
        #expect((place.line, place.column) == (4, 9))
    }
}

@Suite struct Scalars {
    @Test(arguments: [
        ("1", Int64(1)), ("0o17", 15), ("017", 15), ("0x1F", 31), ("0b101", 5), ("1_000", 1000), ("-7", -7), ("+7", 7),
    ])
    func integersResolveInEveryNotation(text: String, value: Int64) {
        #expect(Node(ScalarResolution.resolve(text), at: anywhere).integer == value)
    }

    @Test(arguments: ["yes", "no", "on", "off", "y", "1.2.3", "12e", "0x", "--1", "truE", "nuLL", "1:2", "_", "-"])
    func otherPlainWordsStayText(text: String) {
        #expect(Node(ScalarResolution.resolve(text), at: anywhere).string == text)
    }

    @Test func floatsNullsAndBooleansResolve() throws {
        let root = try document("a: 1.5\nb: 1e3\nc: .inf\nd: ~\ne:\nf: True\ng: 'true'\nh: 08\n")
        guard case .float(1.5)? = root["a"]?.value, case .float(1000)? = root["b"]?.value,
            case .float(.infinity)? = root["c"]?.value, case .float(8)? = root["h"]?.value
        else {
            Issue.record("a float is something else")
            return
        }
        #expect(root["d"]?.isNull == true && root["e"]?.isNull == true)
        #expect(root["f"]?.bool == true && root["g"]?.string == "true")
    }

    @Test(arguments: [
        ("2001-1-2", "2001-01-02T00:00:00Z"), ("2001-12-14 1:59:43.10", "2001-12-14T01:59:43.1Z"),
        ("2001-12-14t21:59:43,5-05:00", "2001-12-14T21:59:43.5-05:00"),
    ])
    func datesAndTimesResolve(text: String, canonical: String) {
        guard case .timestamp(canonical) = ScalarResolution.resolve(text) else {
            Issue.record("\(text) is something else")
            return
        }
    }

    @Test func whatTwoComplementsCannotHoldIsUnsignedAndThenAFloat() {
        guard case .unsigned(.max) = ScalarResolution.resolve("0xFFFF_FFFF_FFFF_FFFF"),
            case .float(0x1p64) = ScalarResolution.resolve("18446744073709551616")
        else {
            Issue.record("a large number is something else")
            return
        }
    }

    @Test func binaryScalarsAreDecoded() throws {
        #expect(try document("a: !!binary aGVs\nb: !!binary 'aGVsbA=='\n")["b"]?.string == "hell")
        #expect(try firstError("a: !!binary aGVsb\n").message.contains("!!binary"))
    }

    @Test func removalsAreForgottenBelowAliasesAndOverrides() throws {
        let root = try document("a: &x {k: !reset 1, l: 2}\nb: *x\nc: !override {k: !reset 1}\nd: [!reset a, b]\n")
        #expect(root["a"]?["k"]?.tag == .reset && root["b"]?["k"] == nil && root["b"]?["l"] != nil)
        #expect(root["c"]?["k"]?.string == "1" && root["d"]?.sequence?.count == 1)
    }

    @Test func tagsDecideTheType() throws {
        let root = try document("a: !!str 1\nb: !!int '2'\nc: !reset\nd: !override [x]\n")
        #expect(root["a"]?.string == "1" && root["b"]?.integer == 2)
        #expect(root["c"]?.tag == .reset && root["d"]?.tag == .override)
        #expect(try firstError("a: !!int x").message.contains("!!int"))
    }

    private var anywhere: Place { Place(SourceText(file: "f", bytes: []), line: 1, column: 1) }
}

@Suite struct AliasesAndMerges {
    @Test func anAliasIsTheNodeOfItsAnchor() throws {
        let root = try document("a: &x [1, 2]\nb: *x\n")
        #expect(root["b"] === root["a"])
    }

    @Test func theNearerMergedKeyWins() throws {
        let root = try document("a: &a {k: 1, l: 1}\nb: &b {k: 2, l: 2, m: 2}\nc: {<<: [*a, *b], l: 3}\n")
        let c = try #require(root["c"])
        #expect(c["k"]?.integer == 1 && c["l"]?.integer == 3 && c["m"]?.integer == 2)
        #expect(c.mapping?.count == 3)
    }

    @Test func aMergeOfSomethingElseIsAnError() throws {
        #expect(try firstError("a: {<<: 1}").message == "`<<` must be a mapping or a list of mappings")
    }

    @Test func anUnknownAnchorIsSuggestedANearOne() throws {
        #expect(try firstError("a: &base 1\nb: *bsae").remedy == "did you mean 'base'?")
    }

    @Test func anAliasInsideItsOwnAnchorIsAnError() throws {
        #expect(try firstError("&a [*a]").message.contains("part of"))
    }

    @Test func aBombOfAliasesIsRefused() throws {
        var text = "x0: &x0 [a,a,a,a,a,a,a,a,a,a]\n"
        for level in 1...40 {
            let alias = "*x\(level - 1)"
            text += "x\(level): &x\(level) [" + Array(repeating: alias, count: 10).joined(separator: ",") + "]\n"
        }
        #expect(try firstError(text).message == "aliases expand to more than the 100000 values allowed")
    }

    @Test func aBombOfMergesIsRefused() throws {
        var text = "x0: &x0 {k: a}\n"
        for level in 1...60 { text += "x\(level): &x\(level) {a: *x\(level - 1), b: {<<: *x\(level - 1)}}\n" }
        #expect(try firstError(text).message.contains("aliases expand"))
    }
}

@Suite struct WrongTexts {
    @Test func aDuplicateKeyNamesBothPlaces() throws {
        let error = try firstError("a: 1\nb: 2\na: 3\n")
        #expect(error.message == "duplicate key 'a', first defined at line 1, column 1")
        #expect(error.location?.line == 3)
    }

    @Test func allDuplicatesAreReportedAtOnce() {
        let keys = (0..<20).map { "k\($0): 1\n" }.joined()
        #expect(parse(keys + keys).diagnostics.count == 20)
    }

    @Test func aKeyThatIsNoTextIsAnError() throws {
        let error = try firstError("1: x")
        #expect(error.message == "key 1 is not a string" && error.remedy == "put it in quotes: \"1\"")
        #expect(try firstError("? {a: b}\n: c").message == "a key must be a string")
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func deepNestingIsRefusedWithoutUsingUpTheStack(unit: String) throws {
        let text = String(repeating: unit, count: 200_000)
        #expect(try firstError(text).message.contains("nest") || parse(text).documents.isEmpty)
    }

    @Test func textThatIsNotUTF8IsNamedWithItsPlace() throws {
        let stream = parseYAML(SourceText(file: "f.yaml", bytes: [0x61, 0x3A, 0x20, 0xFF]))
        let error = try #require(stream.diagnostics.first)
        #expect(error.message == "the file is not UTF-8")
        #expect(error.location == SourceLocation(file: "f.yaml", line: 1, column: 4))
    }

    @Test func aNULIsNamedAndUTF16IsRead() throws {
        #expect(try firstError("a: \0").message == "the file has a NUL byte")
        let stream = parseYAML(SourceText(file: "f", bytes: [0xFF, 0xFE, 0x00, 0xD8]))
        #expect(stream.diagnostics.first?.message == "the file starts with the mark of UTF-16 and is not valid UTF-16")
    }

    @Test func utf16WithAMarkIsRead() {
        let text: [UInt8] = [0xFE, 0xFF, 0, 0x61, 0, 0x3A, 0, 0x20, 0xD8, 0x3D, 0xDE, 0x00]
        #expect(parseYAML(SourceText(file: "f", bytes: text)).documents.first?["a"]?.string == "😀")
    }

    @Test func aTooLongTextIsRefusedUnread() {
        var limits = Limits()
        limits.textBytes = 10
        #expect(parse("a: 0123456789", limits: limits).diagnostics.count == 1)
    }

    /// Nobody reads all of a long line, and half of one, to be pasted, does harm.
    @Test(arguments: [170, 300, 5000]) func aLongLineIsNotShown(length: Int) throws {
        let long = String(repeating: "x ", count: length / 2)
        let twice = try firstError("a: \(long)b: c\n")
        #expect(twice.message == "a second ': ' on this line, in a value without quotes" && twice.remedy == "put the value in quotes")
        let none = try firstError("a:\n  b \(long)\n  d: e\n")
        #expect(none.message.utf8.count < 100 && none.message.hasSuffix("…' has no ':' after its key") && none.remedy == "write `: ` between key and value")
    }

    @Test func aTabIsExplained() throws {
        #expect(try firstError("a:\n\tb: 1").remedy == "indent with spaces: YAML does not allow tabs")
    }

    @Test(arguments: [
        ("a:\n  b: c\n d: e\n", 3, 2, "this line is indented by 1 space, which matches no line above it", "indent it by 2 spaces, as line 2, or by 0 spaces, as line 1"),
        ("a:\n  b c\n  d: e\n", 2, 3, "'b c' has no ':' after its key", "write b: c"),
        ("a:\n  b:c\n  d: e\n", 2, 3, "a space is missing after ':'", "write b: c"),
        ("a: b: c d\n", 1, 5, "a second ': ' on this line, in a value without quotes", "put 'b: c d' on a line of its own, or write a: \"b: c d\""),
        ("image: nginx: latest\n", 1, 13, "a second ': ' on this line, in a value without quotes", "write image: nginx:latest"),
        ("a: b\n  c: d\n", 2, 3, "this line is indented deeper than line 1, whose key has a value already", "indent it by 0 spaces, as line 1"),
        ("a: \"b\nc: d\n", 1, 4, "this quote is never closed", "close it where the value ends"),
        ("a: 'it's'\n", 1, 8, "the quote closes before the value ends", "put the whole value in single quotes, and double a single quote inside it: 'it''s'"),
        ("a: [\"echo \"hi\"\"]\n", 1, 12, "the quote closes before the value ends", "put the whole value in single quotes, and double a single quote inside it: 'it''s'"),
        ("a: {b: c]\n", 1, 9, "']' does not close the mapping that '{' starts at line 1, column 4", "write '}' here"),
        ("a: [\n  b\n}\n", 3, 1, "'}' does not close the list that '[' starts at line 1, column 4", "write ']' here"),
        ("a:\n  b: |\n c\n", 3, 2, "this line is indented by 1 space, and the text that line 2 announces has to be indented deeper than its key", "indent it by 4 spaces"),
        ("{a:, b: 1}\n", 1, 3, "a space is missing after ':'", "write `: ` between a key and its value, also where it has none, or put the value in quotes"),
        ("a: {{ .b }}\n", 1, 4, "'{{' starts a mapping in a mapping", "put the value in quotes: \"{{ .b }}\""),
        ("a: &w {b: c}\nd: {<<: &w }\n", 2, 5, "`<<` must be a mapping or a list of mappings", "'&' gives a value a name, and '*' takes it: did you mean `*w`?"),
        ("a: !!binary /w==\n", 1, 4, "the value of '!!binary' is not UTF-8 text", "keep bytes that are no text in a file"),
        ("a: [b\nc: d\n", 1, 4, "this list is never closed", "close it with ']', and put ',' between its entries"),
        ("a: @b\n", 1, 4, "a value cannot start with '@'", "put the value in quotes"),
        ("a: *\n", 1, 4, "'*' starts an alias, and no name follows it", "put the value in quotes"),
        ("a: - b\n", 1, 4, "a list cannot start on the line of its key", "put '- …' on the next line, indented"),
        ("- a\nb: c\n", 2, 1, "this line is no entry of the list that starts at line 1", "start it with '- ', as the others, or indent it as the key above the list"),
        ("a:\n  b: c\n  - d=e\n", 3, 3, "this list entry stands among the keys of the mapping that starts at line 2", "write all of them as 'KEY: value', or all as '- KEY=value'"),
        ("a: \"\\d\"\n", 1, 5, "unknown escape in double quotes", "write \\\\ for a backslash, or use single quotes, where it stands for itself"),
        ("a: b\n<<<<<<< HEAD\nc: d\n=======\n", 2, 1, "a merge conflict was left in the file", "keep one side, and remove the lines that start with <<<<<<<, ======= and >>>>>>>"),
    ])
    func aMistakeIsNamedWhereItWasMade(text: String, line: Int, column: Int, message: String, remedy: String) throws {
        let error = try firstError(text)
        #expect(error.message == message && error.remedy == remedy)
        #expect(error.location == SourceLocation(file: error.location?.file ?? "", line: line, column: column))
    }

    @Test func anEmptyTextHasNoDocuments() {
        #expect(parse("").documents.isEmpty && parse("# only\n").documents.isEmpty)
        #expect(parse("").diagnostics.isEmpty)
    }

    @Test func aStreamGivesItsDocumentsInOrder() {
        #expect(parse("a: 1\n---\nb: 2\n").documents.count == 2)
    }

    /// Every cut and every flipped byte of a text with most of YAML's syntax: an answer, whatever it is.
    @Test func damagedTextsNeverCrash() {
        let text = Array("a: &x {b: [1, 'c', \"d\\n\"], <<: {e: ~}}\nf: *x\ng: |2-\n    h\n? i\n: !!str j # k\n---\n- - l\n...\n".utf8)
        for index in text.indices {
            _ = parseYAML(SourceText(file: "f", bytes: Array(text[..<index])))
            for flip: UInt8 in [1, 4, 16, 64, 128] {
                var damaged = text
                damaged[index] ^= flip
                _ = parseYAML(SourceText(file: "f", bytes: damaged))
            }
        }
    }
}

import Testing
import Words

@Suite struct TextPartsTests {
    @Test func partsAreFoundByteForByte() {
        #expect("a: b".contains(part: ": ") && "ab".contains(part: "ab") && "aab".contains(part: "ab") && "a".contains(part: ""))
        #expect(!"a:b".contains(part: ": ") && !"".contains(part: "a") && !"ab".contains(part: "abc"))
        // A slash and an accent after it are one character, of which the slash is a part.
        #expect("a/\u{301}".contains(part: "a/") && !"\u{E9}".contains(part: "e\u{301}"))
        #expect("é: ü"[...].contains(part: ": "))
    }

    @Test func partsAreReplaced() {
        #expect("{{.Name}}-{{.Name}}".replacing(part: "{{.Name}}", with: "web") == "web-web")
        #expect("aaa".replacing(part: "aa", with: "b") == "ba" && "é.é".replacing(part: ".", with: "..") == "é..é")
        #expect("abc".replacing(part: "", with: "x") == "abc" && "abc".replacing(part: "d", with: "x") == "abc" && "a".replacing(part: "a", with: "") == "")
    }
}

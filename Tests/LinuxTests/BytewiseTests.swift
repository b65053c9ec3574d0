import Testing

@testable import Linux

@Suite("Texts that are compared by their bytes")
struct BytewiseTests {
    /// é as one letter, and as a letter with an accent: equal for Swift.
    private let one = "caf\u{e9}", two = "cafe\u{301}"

    @Test func `what only looks the same is not the same`() {
        #expect(one == two)
        #expect(Bytewise(one) != Bytewise(two))
        #expect(Bytewise([one]) != Bytewise([two]))
        #expect(Bytewise(Optional(one)) != Bytewise(Optional(two)))
        #expect(!["a": one].hasSameBytes(as: ["a": two]))
        #expect(![one: "a"].hasSameBytes(as: [two: "a"]))
        #expect(Set([Bytewise(one), Bytewise(two)]).count == 2)
    }

    @Test func `of what repeats the first stays, and what only looks the same does not repeat`() {
        #expect([one, "b", two, "b", one].withoutRepeats().map { Array($0.utf8) } == [one, "b", two].map { Array($0.utf8) })
    }

    @Test func `what has the same bytes is the same`() {
        #expect(Bytewise(one) == Bytewise("caf\u{e9}"))
        #expect(Set([Bytewise(one), Bytewise("caf\u{e9}")]).count == 1)
        #expect(["a": one, "b": two].hasSameBytes(as: ["b": two, "a": one]))
        #expect(!["a": one].hasSameBytes(as: ["a": one, "b": two]))
        #expect(Bytewise<String?>(nil) != Bytewise<String?>(""))
    }
}

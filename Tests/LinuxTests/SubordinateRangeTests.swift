import Testing

@testable import Linux

@Suite struct SubordinateRangeTests {
    private func ranges(_ text: String, name: String? = "alice", uid: UInt32 = 1000) -> [[UInt64]] {
        SubordinateRange.parse(text, of: name, uid: uid).map { [$0.first, $0.count] }
    }

    @Test func linesAreOfANameOrOfANumber() {
        let text = "bob:100000:65536\nalice:165536:65536\n1000:300000:10\n# alice:1:1\nalicee:7:7\n10001:8:8\n"
        #expect(ranges(text) == [[165_536, 65_536], [300_000, 10]])
        #expect(ranges(text, name: nil) == [[300_000, 10]])
        #expect(ranges(text, name: "carol", uid: 7).isEmpty)
    }

    @Test(arguments: [
        "", "alice", "alice:1", "alice:1:2:3", "alice::5", "alice:5:", "alice:x:5", "alice:5:-1", "alice:+5:1", "alice: 5:1", "alice:5:0",
        "alice:0:5", "alice:4294967295:1", "alice:4294967290:6", "alice:99999999999999999999:1", ":5:5", "alice:0x10:4",
    ])
    func whatMakesNoSenseDoesNotCount(_ line: String) {
        #expect(ranges(line).isEmpty)
        #expect(ranges(line + "\nalice:70000:4\n") == [[70_000, 4]])
    }

    @Test func theLastIdIsTheOneBeforeTheLast() { #expect(ranges("alice:4294967290:5") == [[4_294_967_290, 5]]) }

    @Test func rangesAreTakenFromEachOther() {
        let whole = SubordinateRange(first: 10, count: 10)
        #expect(whole.without([]) == [whole])
        #expect(whole.without([SubordinateRange(first: 12, count: 3), SubordinateRange(first: 0, count: 11)]) == [
            SubordinateRange(first: 11, count: 1), SubordinateRange(first: 15, count: 5),
        ])
        #expect(whole.without([SubordinateRange(first: 0, count: 30)]).isEmpty)
        #expect(whole.without([SubordinateRange(first: 20, count: 5), SubordinateRange(first: 5, count: 5)]) == [whole])
    }
}

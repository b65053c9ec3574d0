import Testing
import Words

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("1m30s", "1m30s"), ("90s", "1m30s"), ("1d2h", "26h0m0s"), ("1500ms", "1.5s"), ("0.5s", "500ms"), ("0s", "0s"),
        ("1w", "168h0m0s"), ("2us", "2µs"), ("7ns", "7ns"), ("1h0m1.25s", "1h0m1.25s"),
    ])
    func durationsArePrintedAsComposeDoes(text: String, printed: String) {
        #expect(DurationText.nanoseconds(text).map { DurationText.text(nanoseconds: $0) } == printed)
    }

    @Test(arguments: ["", "5", "s", "1x", "1m 2s", "-", "9999999999h"])
    func otherTextsAreNoDuration(text: String) {
        #expect(DurationText.nanoseconds(text) == nil)
    }
}

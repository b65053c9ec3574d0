import JSON
import Testing

@Suite struct NumberTexts {
    @Test(arguments: [
        (1e-7, "1e-7"), (1.5e-5, "0.000015"), (-2.5, "-2.5"), (1e6, "1000000"), (1.5e20, "150000000000000000000"),
        (1e21, "1e+21"), (-9.223372036854775808e18, "-9223372036854776000"), (5e-324, "5e-324"),
    ])
    func numbersAreWrittenAsGoWritesThem(value: Double, text: String) {
        #expect(JSONValue.number(value).serialized() == text)
    }
}

import JSON

/// Numbers as Compose prints them: the shortest digits that read back the same, with an exponent below 1e-4 and from a
/// million on.
enum NumberText {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let decimal = ShortestDecimal(abs(value))
        let hasExponent = decimal.point < -3 || decimal.point > 6
        return (value < 0 ? "-" : "")
            + (hasExponent ? decimal.scientific(exponentDigits: 2) : decimal.positional)
    }
}

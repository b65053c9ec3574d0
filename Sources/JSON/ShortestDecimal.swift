/// The fewest significant digits that read back as the same number, for writers that lay numbers out their own way.
public struct ShortestDecimal: Sendable {
    /// Without leading and trailing zeros.
    public let digits: String
    /// How many of the digits stand before the decimal point; negative for zeros after it.
    public let point: Int

    /// - Parameter value: finite and above zero.
    public init(_ value: Double) {
        // Swift prints the shortest digits too, as 123.5, 1e-05 or 1.5e+20.
        let parts = value.description.split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        var digits = Substring(mantissa[0] + fraction)
        var point = mantissa[0].utf8.count + exponent
        while digits.utf8.first == UInt8(ascii: "0"), digits.utf8.count > 1 {
            digits.removeFirst()
            point -= 1
        }
        while digits.utf8.last == UInt8(ascii: "0"), digits.utf8.count > 1 { digits.removeLast() }
        self.digits = String(digits)
        self.point = point
    }

    /// All digits written out: `0.015`, `123.5`, `1500`.
    public var positional: String {
        let count = digits.utf8.count
        if point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
        if count <= point { return digits + String(repeating: "0", count: point - count) }
        return digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// With one digit before the point and an exponent: `1.5e-05`.
    ///
    /// - Parameter exponentDigits: how many the exponent has at least.
    public func scientific(exponentDigits: Int) -> String {
        let exponent = point - 1
        let fraction = digits.utf8.count > 1 ? "." + digits.dropFirst() : ""
        let size = String(abs(exponent))
        let zeros = String(repeating: "0", count: max(0, exponentDigits - size.utf8.count))
        return "\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(zeros)\(size)"
    }
}

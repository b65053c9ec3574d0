/// Spans of time as Compose writes them.
public enum DurationText {
    /// Nanoseconds of `1h30m`, `1.5s`, `2d`; nil for anything else, and where a unit is missing.
    public static func nanoseconds(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        var sign = 1.0
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            sign = first == UInt8(ascii: "-") ? -1 : 1
            rest = rest.dropFirst()
        }
        if rest.elementsEqual([UInt8(ascii: "0")]) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(letters.count)
            guard let value = Double(String(decoding: digits, as: UTF8.self)),
                let unit = units[String(decoding: letters, as: UTF8.self)]
            else { return nil }
            total += value * unit
        }
        guard total < 9.2e18 else { return nil }
        return Int64((sign * total).rounded())
    }

    private static let units: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9,
        "w": 604800e9,
    ]

    /// A duration as Compose prints it: `1m30s`, `26h0m0s`, `1.5s`, `500ms`.
    public static func text(nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let total = nanoseconds.magnitude
        if total < 1_000 { return "\(sign)\(total)ns" }
        if total < 1_000_000 { return sign + decimal(total, 1_000) + "µs" }
        if total < 1_000_000_000 { return sign + decimal(total, 1_000_000) + "ms" }
        let seconds = total / 1_000_000_000
        let rest = decimal(total % 60_000_000_000, 1_000_000_000) + "s"
        if seconds < 60 { return sign + rest }
        if seconds < 3600 { return "\(sign)\(seconds / 60)m\(rest)" }
        return "\(sign)\(seconds / 3600)h\(seconds / 60 % 60)m\(rest)"
    }

    private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
        guard value % unit != 0 else { return "\(value / unit)" }
        var fraction = String(value % unit + unit).dropFirst()
        while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
        return "\(value / unit).\(fraction)"
    }
}

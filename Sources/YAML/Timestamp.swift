/// Points in time as Compose's parser recognizes them: `2001-12-14`, `2001-12-14 21:59:43.1`, and RFC 3339.
///
/// Source: YAML's timestamp type, <https://yaml.org/type/timestamp.html>.
enum Timestamp {
    /// The text in RFC 3339 form, its fraction without trailing zeros; nil for what is no point in time.
    static func canonical(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        // All forms start with four digits and a dash, which sorts nearly everything out.
        guard bytes.count >= 8, bytes[4] == UInt8(ascii: "-"), bytes[..<4].allSatisfy(isDigit) else { return nil }
        var reader = Reader(bytes: bytes)
        guard let year = reader.number(digits: 4...4), reader.skip("-"), let month = reader.number(),
            reader.skip("-"), let day = reader.number(), (1...12).contains(month),
            (1...days(of: month, in: year)).contains(day)
        else { return nil }
        let date = "\(padded(year, 4))-\(padded(month))-\(padded(day))"
        if reader.isAtEnd { return date + "T00:00:00Z" }
        let isSpaced = reader.skip(" ")
        guard isSpaced || reader.skip("T") || reader.skip("t") else { return nil }
        guard let hour = reader.number(), reader.skip(":"), let minute = reader.number(), reader.skip(":"),
            let second = reader.number(), hour < 24, minute < 60, second < 60, let fraction = reader.fraction()
        else { return nil }
        let time = "\(padded(hour)):\(padded(minute)):\(padded(second))\(fraction)"
        guard let zone = isSpaced ? "Z" : reader.zone(), reader.isAtEnd else { return nil }
        return "\(date)T\(time)\(zone)"
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func padded(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private static func days(of month: Int, in year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var index = 0

        init(bytes: UnsafeBufferPointer<UInt8>) {
            self.bytes = bytes
        }

        var isAtEnd: Bool { index == bytes.count }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
            index += 1
            return true
        }

        mutating func number(digits: ClosedRange<Int> = 1...2) -> Int? {
            let start = index
            var value = 0
            while index < bytes.count, index - start < digits.upperBound, isDigit(bytes[index]) {
                value = 10 * value + Int(bytes[index] - UInt8(ascii: "0"))
                index += 1
            }
            return index - start >= digits.lowerBound ? value : nil
        }

        /// A fraction of a second with its point, to nanoseconds; empty where there is none.
        mutating func fraction() -> String? {
            guard skip(".") || skip(",") else { return "" }
            let start = index
            while index < bytes.count, isDigit(bytes[index]) { index += 1 }
            guard index > start else { return nil }
            var digits = bytes[start..<index].prefix(9)
            while digits.last == UInt8(ascii: "0") { digits.removeLast() }
            return digits.isEmpty ? "" : "." + String(decoding: digits, as: UTF8.self)
        }

        mutating func zone() -> String? {
            if skip("Z") { return "Z" }
            let sign = skip("+") ? "+" : "-"
            guard sign == "+" || skip("-"), let hours = number(digits: 2...2), skip(":"),
                let minutes = number(digits: 2...2), hours <= 24, minutes < 60
            else { return nil }
            return hours == 0 && minutes == 0 ? "Z" : "\(sign)\(padded(hours)):\(padded(minutes))"
        }
    }
}

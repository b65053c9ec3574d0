import Glibc

extension LogTime {
    /// A moment as Docker's `--since` and `--until` take it: a date with or without a time of day down to the hour, the minute, the
    /// second or less, in local time unless a zone stands behind it; seconds since the epoch; or a period before now, such as
    /// `1h30m` or `1.5s`, or, which Docker has not, `30d` or `2w`.
    ///
    /// - Returns: nil where it is nothing of that.
    public init?(moment text: String, now: LogTime = .now()) {
        if let period = MomentText.period(text) {
            self.init(nanoseconds: now.nanoseconds - period)
        } else if let nanoseconds = MomentText.seconds(text[...]) ?? MomentText.date(text) {
            self.init(nanoseconds: nanoseconds)
        } else {
            return nil
        }
    }
}

private enum MomentText {
    private static let billion: Int64 = 1_000_000_000
    private static let units: [String: Int64] = [
        "ns": 1, "us": 1000, "µs": 1000, "ms": 1_000_000, "s": billion, "m": 60 * billion, "h": 3600 * billion,
        "d": 86_400 * billion, "w": 7 * 86_400 * billion,
    ]

    /// Go's `time.ParseDuration`, without a sign, and with days and weeks.
    static func period(_ text: String) -> Int64? {
        guard !text.isEmpty else { return nil }
        var total: Int64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let number = rest.prefix { $0 == "." || isDigit($0) }
            let unit = rest[number.endIndex...].prefix { $0 != "." && !isDigit($0) }
            guard let scale = units[String(unit)], let value = Double(number), value * Double(scale) < 9e18 else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(Int64(value * Double(scale)))
            guard !overflow else { return nil }
            total = sum
            rest = rest[unit.endIndex...]
        }
        return total
    }

    /// `1767323045.000000001`; exact, which a floating-point number would not be.
    static func seconds(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].allSatisfy(isDigit), let whole = Int64(parts[0]), let fraction = fraction(parts.dropFirst().first) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: billion)
        return overflow || product > .max - fraction ? nil : product + fraction
    }

    /// The digits behind a point, at most nine of them, as nanoseconds; 0 where there is no point.
    private static func fraction(_ digits: Substring?) -> Int64? {
        guard let digits else { return 0 }
        guard (1...9).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
        return Int64(digits + String(repeating: "0", count: 9 - digits.count))
    }

    static func date(_ text: String) -> Int64? {
        var rest = text[...]
        guard let year = number(&rest, 4), skip(&rest, "-"), let month = number(&rest, 2), skip(&rest, "-"), let day = number(&rest, 2)
        else { return nil }
        var clock: [Int32] = []
        var nanoseconds: Int64 = 0
        if skip(&rest, "T") {
            guard let hour = number(&rest, 2) else { return nil }
            clock = [hour]
            while clock.count < 3, skip(&rest, ":") {
                guard let part = number(&rest, 2) else { return nil }
                clock.append(part)
            }
            if clock.count == 3, skip(&rest, ".") {
                let digits = rest.prefix(while: isDigit)
                guard let value = fraction(digits) else { return nil }
                nanoseconds = value
                rest = rest[digits.endIndex...]
            }
        }
        clock += Array(repeating: 0, count: 3 - clock.count)
        guard let zone = zone(rest), clock[0] < 24, clock[1] < 60, clock[2] <= 60, (1678...2261).contains(year) else { return nil }
        var fields = tm()
        (fields.tm_year, fields.tm_mon, fields.tm_mday) = (year - 1900, month - 1, day)
        (fields.tm_hour, fields.tm_min, fields.tm_sec) = (clock[0], clock[1], clock[2])
        // Whether it is summer there then, the library knows.
        fields.tm_isdst = -1
        let seconds: time_t
        switch zone {
        case .local: seconds = mktime(&fields)
        case .offset(let offset): seconds = timegm(&fields) - Int(offset)
        }
        // A 31st of February has become the 3rd of March.
        guard fields.tm_mon == month - 1, fields.tm_mday == day else { return nil }
        return Int64(seconds) * billion + nanoseconds
    }

    private enum Zone {
        case local
        /// In seconds, east of Greenwich.
        case offset(Int32)
    }

    private static func zone(_ text: Substring) -> Zone? {
        if text.isEmpty { return .local }
        if text == "Z" || text == "z" { return .offset(0) }
        var rest = text.dropFirst()
        guard text.hasPrefix("+") || text.hasPrefix("-"), let hours = number(&rest, 2), skip(&rest, ":"), let minutes = number(&rest, 2),
            rest.isEmpty
        else { return nil }
        return .offset((hours * 60 + minutes) * (text.hasPrefix("-") ? -60 : 60))
    }

    private static func number(_ rest: inout Substring, _ count: Int) -> Int32? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(isDigit) else { return nil }
        rest = rest.dropFirst(count)
        return Int32(digits)
    }

    private static func skip(_ rest: inout Substring, _ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}

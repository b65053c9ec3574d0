/// One `${…}` of a template, taken apart as Compose's own expression does it.
struct TemplateReference {
    enum Operation {
        /// `-`
        case orDefault
        /// `+`
        case replacement
        /// `?`
        case required
    }

    /// The offset of the `$`.
    let start: Int
    let name: Range<Int>
    /// nil for `${NAME}`.
    let operation: Operation?
    /// Whether a colon stands before the operator.
    let countsEmptyAsUnset: Bool
    /// What stands between the operator and the brace that closes the reference.
    let operand: Range<Int>
    /// Whether a brace closes it; one that is left open reaches to the last brace of its line.
    let isClosed: Bool
    /// The offset after it.
    let end: Int

    /// nil where what starts at `start` is no reference.
    ///
    /// - Parameter line: the last closing brace of each line, which is as far as a reference with an operator may go.
    init?(_ bytes: [UInt8], at start: Int, _ line: inout TemplateLine) {
        let limit = line.limit
        guard start + 2 < limit, Self.isNameStart(bytes[start + 2]) else { return nil }
        self.start = start
        let nameEnd = Self.nameEnd(bytes, start + 2, limit)
        name = start + 2..<nameEnd
        guard nameEnd < limit else { return nil }
        if bytes[nameEnd] == UInt8(ascii: "}") {
            (operation, countsEmptyAsUnset, operand, isClosed, end) = (nil, false, nameEnd..<nameEnd, true, nameEnd + 1)
            return
        }
        countsEmptyAsUnset = bytes[nameEnd] == UInt8(ascii: ":")
        let sign = countsEmptyAsUnset ? nameEnd + 1 : nameEnd
        guard sign < limit else { return nil }
        switch bytes[sign] {
        case UInt8(ascii: "-"): operation = .orDefault
        case UInt8(ascii: "+"): operation = .replacement
        case UInt8(ascii: "?"): operation = .required
        default: return nil
        }
        guard let last = line.lastBrace(from: sign + 1) else { return nil }
        let brace = Self.closingBrace(bytes, start..<last + 1)
        isClosed = brace != nil
        let close = brace ?? last
        operand = sign + 1..<max(sign + 1, close)
        end = close + 1
    }

    /// The brace that closes the first one; the character after an opening brace is not looked at.
    private static func closingBrace(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        var depth = 0
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return index }
            } else if bytes[index] == UInt8(ascii: "{") {
                depth += 1
                index += 1
            }
            index += 1
        }
        return nil
    }

    static func isNameStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    static func nameEnd(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> Int {
        var index = start
        while index < limit, isNameStart(bytes[index]) || (0x30...0x39).contains(bytes[index]) { index += 1 }
        return index
    }
}

/// Finds the last closing brace of the lines of a text, walking each line once.
struct TemplateLine {
    private let bytes: [UInt8]
    let limit: Int
    private var end: Int
    private var last: Int?

    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        limit = range.upperBound
        end = range.lowerBound
    }

    /// The last brace between an offset and the end of its line; offsets are asked for in rising order.
    mutating func lastBrace(from offset: Int) -> Int? {
        if offset >= end {
            last = nil
            end = offset
            while end < limit, bytes[end] != UInt8(ascii: "\n") {
                if bytes[end] == UInt8(ascii: "}") { last = end }
                end += 1
            }
        }
        return last.flatMap { $0 >= offset ? $0 : nil }
    }
}

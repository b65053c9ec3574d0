/// The order of a mapping's keys in what is printed.
enum KeyOrder {
    /// By bytes, as Compose's JSON has them.
    static func json(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// As people sort, as Compose's YAML has them: letters after everything else, and runs of digits by their value
    /// (`A_2`, `A_10`, `AB`).
    static func yaml(_ left: String, _ right: String) -> Bool {
        var (left, right) = (left, right)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                // Nearly all keys are ASCII, and need no decoding.
                if left.allSatisfy({ $0 < 0x80 }), right.allSatisfy({ $0 < 0x80 }) { return precedes(left, right) }
                return precedes(scalars(left), scalars(right))
            }
        }
    }

    private static func scalars(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt32] {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.map(\.value)
    }

    private static func precedes<Text: RandomAccessCollection>(_ left: Text, _ right: Text) -> Bool
    where Text.Element: FixedWidthInteger, Text.Index == Int {
        guard let index = (0..<min(left.count, right.count)).first(where: { left[$0] != right[$0] }) else {
            return left.count < right.count
        }
        let (a, b) = (left[index], right[index])
        let afterDigit = index > 0 && isDigit(left[index - 1])
        switch (isLetter(a), isLetter(b)) {
        case (true, true): return a < b
        case (true, false): return afterDigit
        case (false, true): return !afterDigit
        case (false, false): break
        }
        // Zeros that continue a number count for its size.
        let continues = (a == 0x30 || b == 0x30) && left[..<index].reversed().prefix { isDigit($0) }.contains { $0 != 0x30 }
        let (first, second) = (number(left, from: index, continues), number(right, from: index, continues))
        if first.value != second.value { return first.value < second.value }
        return first.end != second.end ? first.end < second.end : a < b
    }

    /// The value of the digits from `start` on, and where they end.
    private static func number<Text: RandomAccessCollection>(
        _ text: Text, from start: Int, _ continues: Bool
    ) -> (value: Int64, end: Int) where Text.Element: FixedWidthInteger, Text.Index == Int {
        var value: Int64 = continues ? 1 : 0
        var end = start
        while end < text.count, isDigit(text[end]) {
            value = value &* 10 &+ (Int64(text[end]) - 0x30)
            end += 1
        }
        return (value, end)
    }

    private static func isDigit(_ character: some FixedWidthInteger) -> Bool {
        if character < 0x80 { return (0x30...0x39).contains(character) }
        return Unicode.Scalar(UInt32(character))?.properties.generalCategory == .decimalNumber
    }

    private static func isLetter(_ character: some FixedWidthInteger) -> Bool {
        if character < 0x80 { return (0x61...0x7A).contains(character | 0x20) }
        switch Unicode.Scalar(UInt32(character))?.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
        default: return false
        }
    }
}

/// Blank space within a line of an env file: what Unicode calls white space up to U+00A0, but not a line's end.
enum Blank {
    /// The number of bytes of the blank at an offset; nil for anything else.
    static func width(_ bytes: [UInt8], _ index: Int) -> Int? {
        switch bytes[index] {
        case 0x20, 0x09, 0x0B...0x0D: 1
        case 0xC2 where index + 1 < bytes.count && (bytes[index + 1] == 0x85 || bytes[index + 1] == 0xA0): 2
        default: nil
        }
    }

    /// Where the text of a range ends, blanks at its end left out.
    static func end(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        var end = range.upperBound
        while end > range.lowerBound {
            if width(bytes, end - 1) == 1 {
                end -= 1
            } else if end - 2 >= range.lowerBound, width(bytes, end - 2) == 2 {
                end -= 2
            } else {
                break
            }
        }
        return end
    }
}

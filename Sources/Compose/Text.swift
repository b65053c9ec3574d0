/// Cutting text at bytes, without the cost of walking characters.
enum Text {
    /// The parts between separators.
    static func parts(_ text: String, between separator: String) -> [String] {
        slices(text, separator).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The parts between separators, spaces around them removed.
    static func trimmedParts(_ text: String, between separator: String) -> [String] {
        slices(text, separator).map(trimmed)
    }

    private static func slices(_ text: String, _ separator: String) -> [ArraySlice<UInt8>] {
        var slices: [ArraySlice<UInt8>] = []
        let bytes = Array(text.utf8)
        let mark = Array(separator.utf8)
        var start = 0
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: mark) {
                slices.append(bytes[start..<index])
                index += mark.count
                start = index
            } else {
                index += 1
            }
        }
        return slices + [bytes[start...]]
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let blank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        var slice = bytes.drop(while: blank)
        while let last = slice.last, blank(last) { slice.removeLast() }
        return String(decoding: slice, as: UTF8.self)
    }

    /// What stands before and after the first occurrence of a byte; `after` is nil where there is none.
    static func cut(_ text: String, at byte: UInt8) -> (before: String, after: String?) {
        guard let index = text.utf8.firstIndex(of: byte) else { return (text, nil) }
        return (String(text[..<index]), String(text[text.utf8.index(after: index)...]))
    }
}

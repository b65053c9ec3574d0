/// The text with everything escaped that a terminal would obey or that would make it read differently from what it
/// is: control characters (an escape sequence can retitle the window or type into it) and the marks that
/// reorder text. `ESC` becomes `\x1b`, a line end `\n`.
///
/// For everything that was written by others: names and values from Compose files, paths, what a command said.
public func sanitizedForTerminal(_ text: some StringProtocol) -> String {
    sanitizedForTerminal(text, keepingLines: false)
}

/// ``sanitizedForTerminal(_:)``, but for text of several lines where `keepingLines` is true: line ends and tabs stay.
public func sanitizedForTerminal(_ text: some StringProtocol, keepingLines: Bool) -> String {
    if isPlain(text) { return String(text) }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if keepingLines, scalar == "\n" || scalar == "\t" {
            result.append(scalar)
        } else if isUnsafe(scalar) {
            result.append(contentsOf: escaped(scalar).unicodeScalars)
        } else {
            result.append(scalar)
        }
    }
    return String(result)
}

/// Whether it is all printable ASCII, as most text is: nothing has to be escaped then, and a byte is a column.
func isPlain(_ text: some StringProtocol) -> Bool {
    text.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
}

func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // C0, DEL and C1: U+009B alone starts an escape sequence on some terminals.
    case 0..<0x20, 0x7F..<0xA0: true
    // Line and paragraph separators, and the marks that turn the direction of what follows.
    case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    // Invisible: a byte order mark within text, annotations, tags.
    case 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
    default: false
    }
}

func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": return #"\n"#
    case "\r": return #"\r"#
    case "\t": return #"\t"#
    default:
        let digits = String(scalar.value, radix: 16)
        return scalar.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
    }
}

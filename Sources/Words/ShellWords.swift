/// A command line split into words as Compose splits it: by a shell's quotes, without a shell's expansions.
public enum ShellWords {
    /// Why a text is no command line.
    public enum Problem: Error {
        /// A quote that is not closed, or a backslash at the end.
        case openQuote
        /// A parenthesis that belongs to no `$(`.
        case parenthesis
    }

    /// Quotes and backslashes are obeyed and removed. What `` ` `` or `$(` start is kept as it is, spaces included. Nothing is
    /// expanded, and the first operator (`;`, `&`, `|`, `<`, `>`) outside of quotes ends the command.
    ///
    /// - Throws: for a quote or a parenthesis that is out of place.
    public static func split(_ text: String) throws(Problem) -> [String] {
        try command(in: text).words
    }

    /// The words of ``split(_:)``, and what ended them.
    ///
    /// - Returns: the words; and the offset of the operator in the text's UTF-8, from which on everything is left out, nil without one.
    /// - Throws: as ``split(_:)``.
    public static func command(in text: String) throws(Problem) -> (words: [String], end: Int?) {
        var words: [String] = []
        var word: [UInt8] = []
        var hasWord = false
        var state = State()
        var end: Int?
        scan: for (offset, byte) in text.utf8.enumerated() {
            if state.escaped {
                word.append(byte)
                state.escaped = false
                hasWord = true
                continue
            }
            switch byte {
            case UInt8(ascii: "\\"):
                if state.single { word.append(byte) } else { state.escaped = true }
                continue
            case 0x20, 0x09, 0x0A, 0x0D:
                if state.isQuoted {
                    word.append(byte)
                } else if hasWord {
                    words.append(String(decoding: word, as: UTF8.self))
                    word = []
                    hasWord = false
                }
                continue
            case UInt8(ascii: "`") where !state.single && !state.double && !state.dollar:
                state.back.toggle()
            case UInt8(ascii: ")") where !state.single && !state.double && !state.back:
                state.dollar.toggle()
            case UInt8(ascii: "(") where !state.single && !state.double && !state.back:
                guard !state.dollar, word.last == UInt8(ascii: "$") else { throw .parenthesis }
                state.dollar = true
            case UInt8(ascii: "\"") where !state.single && !state.dollar:
                if state.double { hasWord = true }
                state.double.toggle()
                continue
            case UInt8(ascii: "'") where !state.double && !state.dollar:
                if state.single { hasWord = true }
                state.single.toggle()
                continue
            case UInt8(ascii: ">") where !state.isQuoted:
                // A descriptor's number belongs to the redirection.
                if let first = word.first, (0x30...0x39).contains(first) { hasWord = false }
                end = offset
                break scan
            case UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "<"):
                if !state.isQuoted {
                    end = offset
                    break scan
                }
            default:
                break
            }
            hasWord = true
            word.append(byte)
        }
        guard !state.isQuoted, !state.escaped else { throw .openQuote }
        if hasWord { words.append(String(decoding: word, as: UTF8.self)) }
        return (words, end)
    }

    /// The operator that ends a command: `&&`, `|`.
    ///
    /// - Parameter end: as ``command(in:)`` has it.
    public static func operatorText(in text: String, at end: Int) -> String {
        let rest = text.utf8.dropFirst(end)
        return String(decoding: rest.prefix { $0 == rest.first }.prefix(2), as: UTF8.self)
    }

    /// The command line that ``split(_:)`` splits into these words.
    public static func joined(_ words: [String]) -> String {
        words.map { word in
            let isPlain = !word.isEmpty && word.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "%+,-./:=@_".utf8.contains(byte)
            }
            return isPlain ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
    }

    /// What is open.
    private struct State {
        var escaped = false
        var single = false
        var double = false
        var back = false
        var dollar = false

        var isQuoted: Bool { single || double || back || dollar }
    }
}

/// A command line split into words as a shell splits them, without a shell's expansions.
enum ShellWords {
    enum Problem: Error {
        case openQuote
    }

    /// Quotes and backslashes are obeyed and removed; nothing is expanded and no operator means anything.
    static func split(_ text: String) throws(Problem) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var hasWord = false
        var quote: UInt8?
        var escaped = false
        for byte in text.utf8 {
            if escaped {
                word.append(byte)
                escaped = false
            } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
                escaped = true
                hasWord = true
            } else if let open = quote {
                if byte == open { quote = nil } else { word.append(byte) }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
                hasWord = true
            } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
                if hasWord { words.append(String(decoding: word, as: UTF8.self)) }
                word = []
                hasWord = false
            } else {
                word.append(byte)
                hasWord = true
            }
        }
        guard quote == nil, !escaped else { throw .openQuote }
        if hasWord { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }
}

import YAML

/// Reads `.env` files and `env_file`s: `NAME=value` lines with quotes, `export`, comments, values over several
/// lines in quotes, and variables in all but single-quoted values.
///
/// Source: `docker compose`'s documentation of the `.env` file's syntax.
struct DotEnv {
    struct Result {
        var values: [String: String] = [:]
        var diagnostics: [Diagnostic] = []
    }

    private let source: SourceText
    private let earlier: [String: String]
    private let lookup: (String) -> String?
    private var index = 0
    private var result = Result()
    /// The bytes of all values with variables in them.
    private var grown = 0

    /// - Parameters:
    ///   - file: the file's name for messages; a message never shows a value.
    ///   - lookup: variables from outside the file, which come before those of the file.
    ///   - earlier: what files read before this one say; its own variables come before them.
    static func parse(
        _ bytes: [UInt8], file: String, after earlier: [String: String] = [:], lookup: (String) -> String? = { _ in nil }
    ) -> Result {
        return withoutActuallyEscaping(lookup) { lookup in
            var parser = DotEnv(source: SourceText(file: file, bytes: bytes), earlier: earlier, lookup: lookup)
            while parser.skipToStatement() { parser.statement() }
            return parser.result
        }
    }

    private init(source: SourceText, earlier: [String: String], lookup: @escaping (String) -> String?) {
        self.source = source
        self.earlier = earlier
        self.lookup = lookup
    }

    private var bytes: [UInt8] { source.bytes }

    /// Skips blank space and comments; false at the end of the file.
    private mutating func skipToStatement() -> Bool {
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "#") {
                skipLine()
            } else if let width = Blank.width(bytes, index) {
                index += width
            } else if bytes[index] == UInt8(ascii: "\n") {
                index += 1
            } else {
                return true
            }
        }
        return false
    }

    private mutating func skipLine() {
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
    }

    private mutating func skipBlanks() {
        while index < bytes.count, let width = Blank.width(bytes, index) { index += width }
    }

    private mutating func statement() {
        skipExport()
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") {
            let byte = bytes[index]
            if byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") { break }
            if let width = Blank.width(bytes, index) {
                index += width
                continue
            }
            let scalar = scalar(at: index)
            guard isKeyScalar(scalar) else {
                fail("unexpected character '\(Character(scalar))' in a variable's name", at: index)
                return skipLine()
            }
            index += UTF8.width(scalar)
        }
        guard index < bytes.count else {
            // A last line without an end and without a sign is the value of a variable without a name, to Compose.
            index = start
            if let value = value() { result.values[""] = value }
            return
        }
        let isInherited = bytes[index] == UInt8(ascii: "\n")
        let end = Blank.end(bytes, start..<index)
        let key = String(decoding: bytes[start..<end], as: UTF8.self)
        index += 1
        guard !bytes[start..<end].contains(0x20) else {
            fail("a variable's name cannot have a space", at: start)
            if !isInherited { skipLine() }
            return
        }
        skipBlanks()
        if isInherited {
            // A name alone takes the value from outside, where it has one.
            if let value = lookup(key) { result.values[key] = value }
        } else if let value = value() {
            result.values[key] = value
        }
    }

    private mutating func skipExport() {
        let export = Array("export".utf8)
        guard bytes[index...].starts(with: export), index + export.count < bytes.count,
            [0x20, 0x09, 0x0A, 0x0C, 0x0D].contains(bytes[index + export.count])
        else { return }
        index += export.count
        skipBlanks()
    }

    private func isKeyScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "-", "[", "]": true
        default: scalar.value >= 0x80 && (scalar.properties.generalCategory.isLetter || scalar.properties.numericType != nil)
        }
    }

    private func scalar(at index: Int) -> Unicode.Scalar {
        String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
    }

    private mutating func value() -> String? {
        guard index < bytes.count else { return "" }
        switch bytes[index] {
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return quoted(bytes[index])
        default: return unquoted()
        }
    }

    private mutating func unquoted() -> String? {
        let start = index
        skipLine()
        var end = index
        if end - start > 1 {
            for position in start..<end - 1 where bytes[position] == 0x20 && bytes[position + 1] == UInt8(ascii: "#") {
                end = position
                break
            }
        }
        return text(bytes[start..<Blank.end(bytes, start..<end)], from: start).flatMap { expanded($0, from: start) }
    }

    private mutating func quoted(_ quote: UInt8) -> String? {
        let start = index
        let backslash = UInt8(ascii: "\\")
        var content: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != quote {
            if bytes[index] == backslash, index + 1 < bytes.count {
                // Only the quote loses its backslash here; a double-quoted value's other escapes come after.
                if bytes[index + 1] != quote { content.append(backslash) }
                index += 1
            }
            content.append(bytes[index])
            index += 1
        }
        guard index < bytes.count else {
            fail("the quoted value has no closing quote", at: start)
            return nil
        }
        index += 1
        if quote == UInt8(ascii: "'") { return text(content[...], from: start) }
        return text(ShellEscapes.replaced(content)[...], from: start).flatMap { expanded($0, from: start) }
    }

    private mutating func text(_ bytes: ArraySlice<UInt8>, from start: Int) -> String? {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        fail("the value is not UTF-8 text", at: start, remedy: "save the file as UTF-8")
        return nil
    }

    private mutating func expanded(_ text: String, from start: Int) -> String? {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let values = result.values
        let earlier = self.earlier
        let lookup = self.lookup
        var unset: [(name: String, offset: Int)] = []
        do {
            let value = try Template.substitute(text, lookup: { lookup($0) ?? values[$0] ?? earlier[$0] }) { name, offset in
                unset.append((name, offset))
            }
            for (name, offset) in unset {
                report(
                    .warning, "The \"\(name)\" variable is not set. Defaulting to a blank string.",
                    at: variable(at: offset, of: text, from: start))
            }
            grown += value.utf8.count
            guard grown <= Template.growthLimit else {
                fail("the variables in this file make more of it than the \(Template.growthLimit) bytes allowed", at: start)
                index = bytes.count
                return nil
            }
            return value
        } catch {
            let place = variable(at: error.offset, of: text, from: start)
            switch error {
            case .invalid, .tooDeep:
                fail("invalid interpolation format", at: place, remedy: "escape a dollar sign as $$, or use single quotes")
            case .tooLong:
                fail("the variables in this file make more of it than the \(Template.growthLimit) bytes allowed", at: place)
                index = bytes.count
            case .missing(let variable, let message, _):
                fail("required variable \(variable) is missing a value" + (message.isEmpty ? "" : ": \(message)"), at: place)
            }
            return nil
        }
    }

    /// Where in the file a variable of a value stands, by the dollar signs before it: escapes move everything else.
    private func variable(at offset: Int, of text: String, from start: Int) -> Int {
        let dollar = UInt8(ascii: "$")
        let hasEscapes = bytes[start] == UInt8(ascii: "\"")
        var left = text.utf8.prefix(offset).count { $0 == dollar }
        var position = start
        while position < index {
            if hasEscapes, bytes[position] == UInt8(ascii: "\\"), position + 1 < index {
                position += 1
                // An escaped one has become two.
                if bytes[position] == dollar { left -= 2 }
            } else if bytes[position] == dollar {
                if left <= 0 { return position }
                left -= 1
            }
            position += 1
        }
        return start
    }

    private mutating func fail(_ message: String, at offset: Int, remedy: String? = nil) {
        report(.error, message, at: offset, remedy: remedy)
    }

    /// Without the source line: an env file's lines are values, often secret ones.
    private mutating func report(
        _ severity: Diagnostic.Severity, _ message: String, at offset: Int, remedy: String? = nil
    ) {
        let place = source.place(at: offset)
        result.diagnostics.append(Diagnostic(severity, message, at: place.location, source: .withheld, remedy: remedy))
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isLetter: Bool {
        switch self {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}

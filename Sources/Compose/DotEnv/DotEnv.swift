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

    /// - Parameters:
    ///   - file: the file's name for messages; a message never shows a value.
    ///   - lookup: variables from outside the file, which come before those of the file.
    ///   - earlier: what files read before this one say; its own variables come before them.
    static func parse(
        _ bytes: [UInt8], file: String, after earlier: [String: String] = [:], lookup: (String) -> String? = { _ in nil }
    ) -> Result {
        guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) else {
            let location = SourceLocation(file: file, line: 1, column: 1)
            return Result(diagnostics: [
                Diagnostic(
                    .error, "\(file): the env file is not UTF-8 text", at: location, remedy: "save the file as UTF-8")
            ])
        }
        return withoutActuallyEscaping(lookup) { lookup in
            var parser = DotEnv(source: SourceText(file: file, bytes: bytes), earlier: earlier, lookup: lookup)
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
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

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || (0x0B...0x0D).contains(byte)
    }

    /// Skips blank space and comments; false at the end of the file.
    private mutating func skipToStatement() -> Bool {
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "#") {
                skipLine()
            } else if Self.isBlank(bytes[index]) || bytes[index] == UInt8(ascii: "\n") {
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
        while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
    }

    private mutating func statement() {
        let export = Array("export".utf8)
        if bytes[index...].starts(with: export), index + export.count < bytes.count,
            Self.isBlank(bytes[index + export.count])
        {
            index += export.count
            skipBlanks()
        }
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") {
            let byte = bytes[index]
            if byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") { break }
            guard Self.isBlank(byte) || isKeyByte(byte) else {
                fail("unexpected character '\(character(at: index))' in a variable's name", at: index)
                return skipLine()
            }
            index += 1
        }
        let hasValue = index < bytes.count && bytes[index] != UInt8(ascii: "\n")
        var end = index
        while end > start, Self.isBlank(bytes[end - 1]) { end -= 1 }
        let key = String(decoding: bytes[start..<end], as: UTF8.self)
        guard end > start, !bytes[start..<end].contains(where: Self.isBlank) else {
            fail(key.isEmpty ? "a variable's name is missing" : "a variable's name cannot have a space", at: start)
            return skipLine()
        }
        guard hasValue else {
            // A name alone takes the value from outside, where it has one.
            if let value = lookup(key) { result.values[key] = value }
            return
        }
        index += 1
        skipBlanks()
        if let value = value() { result.values[key] = value }
    }

    private func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "["), UInt8(ascii: "]"), 0x80...:
            true
        default: false
        }
    }

    private func character(at index: Int) -> Character {
        String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self).first ?? "?"
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
        while end > start, Self.isBlank(bytes[end - 1]) { end -= 1 }
        return expanded(String(decoding: bytes[start..<end], as: UTF8.self), from: start)
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
        if quote == UInt8(ascii: "'") { return String(decoding: content, as: UTF8.self) }
        return expanded(String(decoding: Self.unescaped(content), as: UTF8.self), from: start)
    }

    /// Replaces the shell's escapes; `\$` becomes `$$`, which expansion turns into one dollar sign.
    private static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                output.append(bytes[index])
                index += 1
                continue
            }
            index += 2
            switch bytes[index - 1] {
            case UInt8(ascii: "a"): output.append(0x07)
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "v"): output.append(0x0B)
            case UInt8(ascii: "\\"): output.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "\""): output.append(UInt8(ascii: "\""))
            case UInt8(ascii: "$"): output += [UInt8(ascii: "$"), UInt8(ascii: "$")]
            case UInt8(ascii: "0"):
                let digits = bytes[index...].prefix(3).prefix { (0x30...0x37).contains($0) }
                guard digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) else {
                    output += [UInt8(ascii: "\\"), UInt8(ascii: "0")]
                    continue
                }
                output += Array(String(Unicode.Scalar(code)).utf8)
                index += 3
            case let other: output += [UInt8(ascii: "\\"), other]
            }
        }
        return output
    }

    private mutating func expanded(_ text: String, from start: Int) -> String? {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let values = result.values
        let earlier = self.earlier
        let lookup = self.lookup
        var unset: [String] = []
        do {
            let value = try Template.substitute(text, lookup: { lookup($0) ?? values[$0] ?? earlier[$0] }) { name, _ in
                unset.append(name)
            }
            for name in unset {
                report(.warning, "The \"\(name)\" variable is not set. Defaulting to a blank string.", at: start)
            }
            return value
        } catch {
            switch error {
            case .invalid, .tooDeep:
                fail("invalid interpolation format", at: start, remedy: "escape a dollar sign as $$, or use single quotes")
            case .missing(let variable, let message, _):
                fail("required variable \(variable) is missing a value" + (message.isEmpty ? "" : ": \(message)"), at: start)
            }
            return nil
        }
    }

    private mutating func fail(_ message: String, at offset: Int, remedy: String? = nil) {
        report(.error, message, at: offset, remedy: remedy)
    }

    /// Without the source line: an env file's lines are values, often secret ones.
    private mutating func report(
        _ severity: Diagnostic.Severity, _ message: String, at offset: Int, remedy: String? = nil
    ) {
        let place = source.place(at: offset)
        result.diagnostics.append(Diagnostic(severity, message, at: place.location, remedy: remedy))
    }
}

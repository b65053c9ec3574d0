/// Cuts a template's text: the actions' white space, comments and trim markers go here.
struct TemplateScanner {
    private let source: String
    /// In scalars: an accent that follows a brace must not hide it.
    private var rest: Substring.UnicodeScalarView
    private let replacesEscapes: Bool

    /// - Parameter replacesEscapes: whether `\t` and `\n` are a tab and a line end in text, and between back quotes, too: shells make them
    ///   hard to type, so Docker's lists replace them everywhere.
    init(_ source: String, replacesEscapes: Bool) {
        self.source = source
        self.replacesEscapes = replacesEscapes
        rest = source[...].unicodeScalars
    }

    mutating func pieces() throws(TemplateError) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        var trimsNext = false
        while !rest.isEmpty {
            let text = takeText()
            let opening = rest.startIndex
            let isAction = starts(with: "{{")
            if isAction { rest.removeFirst(2) }
            let trimsBefore = isAction && takeTrimMarker()
            let shown = shownText(text, trimsStart: trimsNext, trimsEnd: trimsBefore)
            if !shown.isEmpty { pieces.append(.text(shown)) }
            guard isAction else { break }
            trimsNext = false
            if try takeComment(from: opening, trimsNext: &trimsNext) { continue }
            pieces.append(.action(try tokens(of: opening, trimsNext: &trimsNext), opening))
        }
        return pieces
    }

    private func starts(with text: String) -> Bool { rest.starts(with: text.unicodeScalars) }

    private mutating func takeText() -> Substring.UnicodeScalarView {
        let start = rest
        while !rest.isEmpty, !starts(with: "{{") { rest.removeFirst() }
        return start[..<rest.startIndex]
    }

    private func shownText(_ text: Substring.UnicodeScalarView, trimsStart: Bool, trimsEnd: Bool) -> String {
        var shown = replacesEscapes ? replacingEscapes(text) : text
        if trimsStart { shown = shown.drop(while: \.properties.isWhitespace) }
        if trimsEnd { while shown.last?.properties.isWhitespace == true { shown.removeLast() } }
        return String(shown)
    }

    private func replacingEscapes(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        var result = Substring.UnicodeScalarView()
        var rest = text
        while let scalar = rest.popFirst() {
            switch (scalar, rest.first) {
            case ("\\", "t"): result.append("\t")
            case ("\\", "n"): result.append("\n")
            default:
                result.append(scalar)
                continue
            }
            rest.removeFirst()
        }
        return result
    }

    /// `{{- `: the white space after it is part of it, so that `{{-3}}` is a number.
    private mutating func takeTrimMarker() -> Bool {
        guard rest.first == "-", rest.dropFirst().first?.properties.isWhitespace == true else { return false }
        rest.removeFirst()
        return true
    }

    /// `}}` or ` -}}`.
    private mutating func takeEnd(trimsNext: inout Bool, isDetached: Bool) -> Bool {
        if isDetached, starts(with: "-}}") {
            rest.removeFirst(3)
            trimsNext = true
            return true
        }
        guard starts(with: "}}") else { return false }
        rest.removeFirst(2)
        return true
    }

    private mutating func skipSpaces() -> Bool {
        let start = rest.startIndex
        rest = rest.drop(while: \.properties.isWhitespace)
        return rest.startIndex != start
    }

    private mutating func takeComment(from opening: String.Index, trimsNext: inout Bool) throws(TemplateError) -> Bool {
        let start = rest
        _ = skipSpaces()
        guard starts(with: "/*") else {
            rest = start
            return false
        }
        while !rest.isEmpty, !starts(with: "*/") { rest.removeFirst() }
        guard !rest.isEmpty else { throw error("the comment has no end", at: opening, remedy: "close it with '*/}}'") }
        rest.removeFirst(2)
        let isDetached = skipSpaces()
        guard takeEnd(trimsNext: &trimsNext, isDetached: isDetached) else {
            throw error("a comment stands alone between '{{' and '}}'", at: opening)
        }
        return true
    }

    private mutating func tokens(of opening: String.Index, trimsNext: inout Bool) throws(TemplateError) -> [TemplateToken] {
        var tokens: [TemplateToken] = []
        while true {
            let isDetached = skipSpaces() || tokens.isEmpty
            if takeEnd(trimsNext: &trimsNext, isDetached: isDetached) { return tokens }
            guard let first = rest.first else { throw error("'{{' has no end", at: opening, remedy: "close it with '}}'") }
            let position = rest.startIndex
            let kind = try token(starting: first, at: position)
            tokens.append(TemplateToken(kind: kind, position: position, isDetached: isDetached))
        }
    }

    private mutating func token(starting first: Unicode.Scalar, at position: String.Index) throws(TemplateError) -> TemplateToken.Kind {
        switch first {
        case "|": return single(.pipe)
        case "(": return single(.open)
        case ")": return single(.close)
        case ",": return single(.comma)
        case "=": return single(.assign)
        case ":" where starts(with: ":="):
            rest.removeFirst(2)
            return .declare
        case ".": return try field()
        case "$":
            rest.removeFirst()
            return .variable(name())
        case "\"": return .string(try quoted(at: position))
        case "`": return .string(try raw(at: position))
        case "0"..."9", "-", "+": return try number(at: position)
        case let letter where Self.isLetter(letter): return .word(name())
        default: throw error("'\(first)' is no part of a template", at: position)
        }
    }

    private mutating func single(_ kind: TemplateToken.Kind) -> TemplateToken.Kind {
        rest.removeFirst()
        return kind
    }

    private mutating func field() throws(TemplateError) -> TemplateToken.Kind {
        var names: [String] = []
        while rest.first == "." {
            let position = rest.startIndex
            rest.removeFirst()
            let name = name()
            if name.isEmpty {
                guard names.isEmpty else { throw error("a name is missing after '.'", at: position) }
                return .dot
            }
            names.append(name)
        }
        return .field(names)
    }

    private mutating func name() -> String {
        let name = rest.prefix { Self.isLetter($0) || Self.isDigit($0) }
        rest = rest[name.endIndex...]
        return String(name)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isAlphabetic || scalar == "_" }
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType == .decimal }

    private mutating func number(at position: String.Index) throws(TemplateError) -> TemplateToken.Kind {
        let digits = String(rest.prefix { "+-.".unicodeScalars.contains($0) || Self.isLetter($0) || Self.isDigit($0) })
        rest.removeFirst(digits.unicodeScalars.count)
        guard let value = Int64(digits) else { throw error("'\(digits)' is no whole number", at: position) }
        return .integer(value)
    }

    private mutating func raw(at position: String.Index) throws(TemplateError) -> String {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: "`") else { throw error("the text has no end", at: position, remedy: "close it with '`'") }
        defer { rest = rest[rest.index(after: end)...] }
        return String(replacesEscapes ? replacingEscapes(rest[..<end]) : rest[..<end])
    }

    private mutating func quoted(at position: String.Index) throws(TemplateError) -> String {
        rest.removeFirst()
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return String(text)
            case "\\":
                let escape = rest.popFirst()
                switch escape {
                case "n": text.append("\n")
                case "t": text.append("\t")
                case "r": text.append("\r")
                case "\\", "\"": text.append(escape!)
                default:
                    throw error("the text holds an unknown escape '\\\(escape.map(String.init) ?? "")'", at: position)
                }
            default: text.append(scalar)
            }
        }
        throw error("the text has no end", at: position, remedy: "close it with '\"'")
    }

    private func error(_ message: String, at position: String.Index, remedy: String? = nil) -> TemplateError {
        TemplateError(message, at: position, in: source, remedy: remedy)
    }
}

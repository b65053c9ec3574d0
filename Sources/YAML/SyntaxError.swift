import CYAML
import Words

/// Says what a person did where libyaml says which token it did not expect.
///
/// libyaml notices a mistake where it can't go on, which is often a line after the one to change: a missing colon shows at
/// the next colon. So the lines around are looked at, as a reader would, and only what they show is claimed.
struct SyntaxError {
    private let source: SourceText
    /// libyaml's words.
    private let problem: String
    private let context: String
    /// Where it noticed the problem, and where what it was reading began.
    private let place: Place
    private let start: Place
    /// The byte that its reader could not take; nil for a problem of syntax.
    private let unreadableOffset: Int?

    init(_ parser: yaml_parser_t, _ source: SourceText) {
        self.source = source
        problem = parser.problem.map { String(cString: $0) } ?? "the text ends too early"
        context = parser.context.map { String(cString: $0) } ?? ""
        place = Place(source, line: parser.problem_mark.line + 1, column: parser.problem_mark.column + 1)
        start = parser.context == nil
            ? place : Place(source, line: parser.context_mark.line + 1, column: parser.context_mark.column + 1)
        unreadableOffset = parser.error == YAML_READER_ERROR ? min(parser.problem_offset, source.bytes.count) : nil
    }

    var diagnostic: Diagnostic {
        if let unreadableOffset {
            return Diagnostic(
                .error, "the file has a character that YAML does not allow", at: source.place(at: unreadableOffset),
                remedy: "remove it, or write it as an escape in double quotes: \"\\x07\"")
        }
        let explained = leftoverOfMerge ?? tab ?? character ?? quote ?? collection ?? colon ?? sequence ?? indentation
        return explained ?? error("this is not valid YAML: \(problem)", at: place, remedy: nil)
    }

    private func error(_ message: String, at place: Place, remedy: String?) -> Diagnostic {
        Diagnostic(.error, message, at: place, remedy: remedy)
    }

    private func says(_ words: String) -> Bool { problem.contains(part: words) }

    // MARK: What the lines show

    private static let longestLine = 1 << 16
    /// In bytes: what is written, and is to be written instead, is shown where people would read all of it.
    private static let longestRemedy = 160

    /// A line without its comment and the blanks around it, and how far it is indented.
    private func line(_ number: Int) -> (text: String, indent: Int) {
        let bytes = source.lineBytes(number)
        let indent = bytes.prefix { $0 == 0x20 }.count
        var text = bytes.dropFirst(indent)
        if text.first == UInt8(ascii: "#") { text = [] }
        while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
        return (String(decoding: text.prefix(Self.longestLine), as: UTF8.self), indent)
    }

    /// The nearest line above that says something.
    private func above(_ number: Int) -> Int? {
        var candidate = number - 1
        while candidate >= 1, number - candidate < 100 {
            if !line(candidate).text.isEmpty { return candidate }
            candidate -= 1
        }
        return nil
    }

    private func isKeyed(_ text: String) -> Bool {
        text.hasSuffix(":") || text.contains(part: ": ")
    }

    private func startOfText(_ number: Int) -> Place {
        Place(source, line: number, column: line(number).indent + 1)
    }

    // MARK: Mistakes, the surest first

    private var leftoverOfMerge: Diagnostic? {
        for number in [start.line, place.line, place.line - 1] where number >= 1 {
            let (text, indent) = line(number)
            guard indent == 0, ["<<<<<<<", "=======", ">>>>>>>"].contains(where: text.hasPrefix) else { continue }
            return error(
                "a merge conflict was left in the file", at: startOfText(number),
                remedy: "keep one side, and remove the lines that start with <<<<<<<, ======= and >>>>>>>")
        }
        return nil
    }

    private var tab: Diagnostic? {
        guard says("cannot start any token") || says("tab character") else { return nil }
        let indent = source.lineBytes(place.line).prefix { $0 == 0x20 || $0 == 0x09 }
        guard let offset = indent.firstIndex(of: 0x09) else { return nil }
        return error(
            "this line is indented with a tab", at: source.place(at: offset),
            remedy: "indent with spaces: YAML does not allow tabs")
    }

    private var character: Diagnostic? {
        let byte = source.lineBytes(place.line).dropFirst(
            source.offset(line: place.line, column: place.column) - source.offset(line: place.line, column: 1)).first
        let name = byte.map { String(decoding: [$0], as: UTF8.self) } ?? ""
        if says("cannot start any token") {
            return error("a value cannot start with '\(name)'", at: place, remedy: "put the value in quotes")
        }
        if context.contains(part: "scanning an alias") || context.contains(part: "scanning an anchor") {
            let mark = context.contains(part: "alias") ? "*" : "&"
            let what = context.contains(part: "alias") ? "an alias" : "an anchor"
            return error("'\(mark)' starts \(what), and no name follows it", at: start, remedy: "put the value in quotes")
        }
        if says("undefined tag handle") {
            return error("'!' starts a tag, and this one is not known", at: start, remedy: "put the value in quotes")
        }
        if context.contains(part: "block scalar") {
            let mark = source.lineBytes(start.line).dropFirst(
                source.offset(line: start.line, column: start.column) - source.offset(line: start.line, column: 1)).first
            let name = mark.map { String(decoding: [$0], as: UTF8.self) } ?? "|"
            return error(
                "'\(name)' starts a text of several lines, which begins on the next line", at: place,
                remedy: "put the text below, indented, or the whole value in quotes")
        }
        return nil
    }

    private var quote: Diagnostic? {
        guard context.contains(part: "quoted scalar") else { return nil }
        if says("escape character") || says("hexdecimal") || says("Unicode character") {
            return error(
                "unknown escape in double quotes", at: place,
                remedy: "write \\\\ for a backslash, or use single quotes, where it stands for itself")
        }
        return error("this quote is never closed", at: start, remedy: "close it where the value ends")
    }

    /// Something in `[…]` or `{…}`.
    private var collection: Diagnostic? {
        guard context.contains(part: "flow") else { return nil }
        let isList = context.contains(part: "sequence")
        let (name, opening, closing) = isList ? ("list", "[", "]") : ("mapping", "{", "}")
        if let byte = source.bytes[source.offset(line: place.line, column: place.column)...].first,
            byte == (isList ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        {
            return error(
                "'\(Character(UnicodeScalar(byte)))' does not close the \(name) that '\(opening)' starts at line \(start.line), column \(start.column)",
                at: place, remedy: "write '\(closing)' here")
        }
        guard place.line == start.line else {
            return error(
                "this \(name) is never closed", at: start, remedy: "close it with '\(closing)', and put ',' between its entries")
        }
        if followsQuote { return afterQuote }
        return error(
            "expected ',' or '\(closing)' here, in the \(name) that '\(opening)' starts at column \(start.column)", at: place,
            remedy: "put a value that has ':', ',', '[', ']', '{' or '}' in quotes")
    }

    private var colon: Diagnostic? {
        if says("found unexpected ':'") {
            return error(
                "a space is missing after ':'", at: place,
                remedy: "write `: ` between a key and its value, also where it has none, or put the value in quotes")
        }
        if says("could not find expected ':'") { return longKey ?? withoutColon(start.line) }
        if says("sequence entries are not allowed") {
            return error(
                "a list cannot start on the line of its key", at: place, remedy: "put '- …' on the next line, indented")
        }
        guard says("mapping values are not allowed") else { return nil }
        let (text, indent) = line(place.line)
        let own = text.hasPrefix("- ") ? String(text.dropFirst(2)) : text
        if let colon = own.firstRange(of: ": "), own[colon.upperBound...].contains(":"),
            place.column > indent + text.utf8.count - own.utf8.count + own[..<colon.lowerBound].utf8.count + 1
        {
            return error(
                "a second ': ' on this line, in a value without quotes", at: place,
                remedy: Self.remedy(key: own[..<colon.lowerBound], value: own[colon.upperBound...]))
        }
        guard let before = above(place.line) else { return nil }
        let previous = line(before)
        guard previous.indent < indent, isKeyed(previous.text) else { return withoutColon(before) }
        return error(
            "this line is indented deeper than line \(before), whose key has a value already", at: startOfText(place.line),
            remedy: "indent it by \(Self.spaces(previous.indent)), as line \(before)")
    }

    /// A key on one line has 1024 characters at most (YAML 1.1, of simple keys).
    private var longKey: Diagnostic? {
        let text = line(start.line).text
        guard let end = text.firstRange(of: ": ")?.lowerBound, text[..<end].unicodeScalars.count > 1024 else { return nil }
        return error("this key is longer than 1024 characters, which YAML does not allow", at: startOfText(start.line), remedy: "give it a shorter name")
    }

    /// What to do about a value with a colon and a space in it.
    private static func remedy(key: Substring, value: Substring) -> String {
        guard key.utf8.count + value.utf8.count <= longestRemedy else { return "put the value in quotes" }
        // What needs no escapes is to be read most easily; in single quotes a single quote is written twice.
        let quoted = "write \(key): " + (value.contains("\"") ? "'\(String(value).replacing(part: "'", with: "''"))'" : "\"\(value)\"")
        if value.hasSuffix(":") { return "start a new line after '\(key):'" }
        guard let colon = value.firstIndex(of: ":"), !value[..<colon].contains(" ") else { return quoted }
        if key == "image" {
            return "write \(key): \(value[..<colon]):\(value[value.index(after: colon)...].drop { $0 == " " })"
        }
        return "put '\(value)' on a line of its own, or \(quoted)"
    }

    /// A line that should have been `key: value`.
    private func withoutColon(_ number: Int) -> Diagnostic? {
        let text = line(number).text
        let isLong = text.utf8.count > Self.longestRemedy
        let at = startOfText(number)
        if let colon = text.firstIndex(of: ":"), text.index(after: colon) < text.endIndex, !text.contains(part: ": ") {
            return error(
                "a space is missing after ':'", at: at,
                remedy: isLong ? "write `: ` between key and value" : "write \(text[...colon]) \(text[text.index(after: colon)...])")
        }
        let words = text.split(separator: " ", maxSplits: 1)
        guard let key = words.first, !isKeyed(text) else { return nil }
        let fixed = words.count == 2 ? "\(key): \(words[1])" : "\(key):"
        return error(
            "'\(isLong ? text.prefix(40) + "…" : text[...])' has no ':' after its key", at: at,
            remedy: isLong ? "write `: ` between key and value" : "write \(fixed)")
    }

    private var sequence: Diagnostic? {
        guard context.contains(part: "block collection") else { return nil }
        let indent = line(place.line).indent
        if place.column > indent + 1 { return afterValue }
        if indent == start.column - 1 {
            return error(
                "this line is no entry of the list that starts at line \(start.line)", at: place,
                remedy: "start it with '- ', as the others, or indent it as the key above the list")
        }
        return wrongIndentation(indent)
    }

    private var indentation: Diagnostic? {
        guard says("expected key") || says("expected <document start>") || says("block end") else { return nil }
        let (text, indent) = line(place.line)
        if place.column > indent + 1 { return afterValue }
        if text.hasPrefix("- "), indent == start.column - 1 {
            return error(
                "this list entry stands among the keys of the mapping that starts at line \(start.line)", at: place,
                remedy: "write all of them as 'KEY: value', or all as '- KEY=value'")
        }
        return wrongIndentation(indent)
    }

    /// Something follows a value that has ended.
    private var afterValue: Diagnostic {
        followsQuote
            ? afterQuote
            : error("the value ends before this", at: place, remedy: "remove what is too much, or put the whole value in quotes")
    }

    /// Whether a quote was closed right before the place.
    private var followsQuote: Bool {
        let before = source.bytes[
            source.offset(line: place.line, column: 1)..<source.offset(line: place.line, column: place.column)]
        let last = before.last { $0 != 0x20 }
        return last == UInt8(ascii: "\"") || last == UInt8(ascii: "'")
    }

    private var afterQuote: Diagnostic {
        error(
            "the quote closes before the value ends", at: place,
            remedy: "put the whole value in single quotes, and double a single quote inside it: 'it''s'")
    }

    /// The line's indentation is none of those that are open above it.
    private func wrongIndentation(_ indent: Int) -> Diagnostic? {
        var open: [(indent: Int, line: Int)] = []
        var number = place.line
        while let before = above(number) {
            let candidate = line(before).indent
            if candidate < open.last?.indent ?? .max { open.append((candidate, before)) }
            number = before
        }
        guard !open.contains(where: { $0.indent == indent }) else { return nil }
        // The first line of a text that `|` or `>` announces.
        if let nearest = open.first, nearest.line < place.line, Self.announcesText(line(nearest.line).text) {
            return error(
                "this line is indented by \(Self.spaces(indent)), and the text that line \(nearest.line) announces has to be indented "
                    + "deeper than its key", at: startOfText(place.line),
                remedy: "indent it by \(Self.spaces(nearest.indent + 2))")
        }
        let deeper = open.last { $0.indent > indent }
        let shallower = open.first { $0.indent < indent }
        let choices = [deeper, shallower].compactMap { $0 }.map { "by \(Self.spaces($0.indent)), as line \($0.line)" }
        return error(
            "this line is indented by \(Self.spaces(indent)), which matches no line above it", at: startOfText(place.line),
            remedy: choices.isEmpty ? nil : "indent it " + choices.joined(separator: ", or "))
    }

    /// Whether a line ends as `command: |` and `command: >-` do.
    private static func announcesText(_ text: String) -> Bool {
        guard let last = text.split(separator: " ").last, text.contains(part: ": ") else { return false }
        return last.hasPrefix("|") || last.hasPrefix(">")
    }

    private static func spaces(_ count: Int) -> String {
        count == 1 ? "1 space" : "\(count) spaces"
    }
}

extension String {
    fileprivate func firstRange(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            start = index(after: start)
        }
        return nil
    }
}

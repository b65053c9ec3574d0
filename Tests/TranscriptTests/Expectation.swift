/// What a command did.
struct Outcome: Sendable, Equatable {
    /// The exit status, or 128 + the signal's number.
    var status: Int32
    /// Whether a signal ended it.
    var wasKilled = false
    var stdout: String
    var stderr: String
}

extension Transcript.Step {
    /// Everything in which the outcome is not what the transcript says; empty where it is.
    func mismatches(with outcome: Outcome) -> [String] {
        var mismatches: [String] = []
        switch ending {
        case .status(let expected):
            if outcome.status != expected { mismatches.append("exit status \(outcome.status), not \(expected)") }
        case .failure:
            if outcome.status == 0 { mismatches.append("succeeded, but had to fail") }
            if outcome.wasKilled || outcome.status > 125 {
                mismatches.append("ended by a crash or as not found (\(outcome.status)), but had to refuse")
            }
        }
        if let output, let difference = OutputLines(output).difference(from: outcome.stdout) {
            mismatches.append(difference)
        }
        for pattern in patterns {
            let text = pattern.stream == .stdout ? outcome.stdout : outcome.stderr
            guard let regex = try? Regex(pattern.expression) else {
                mismatches.append("not a regular expression: \(pattern.expression)")
                continue
            }
            if (text.firstMatch(of: regex.anchorsMatchLineEndings()) != nil) != pattern.mustMatch {
                mismatches.append("\(pattern.stream) \(pattern.mustMatch ? "lacks" : "has") /\(pattern.expression)/")
            }
        }
        if !mismatches.isEmpty, output == nil { mismatches.append("standard output is\n\(quote(outcome.stdout))") }
        return mismatches
    }
}

/// A text's lines, set off for a report.
private func quote(_ text: String) -> String {
    text.isEmpty ? "    (nothing)" : text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }.joined(separator: "\n")
}

/// Expected lines of output, with their wildcards.
struct OutputLines {
    private let expected: [String]

    init(_ expected: [String]) {
        self.expected = expected
    }

    /// What stands for something that differs from run to run, and the expression it means.
    private static let wildcards: [(mark: String, expression: String)] = [
        ("<...>", ".*?"),
        ("<PID>", "[1-9][0-9]*"),
        ("<N>", "[0-9]+"),
        ("<ID>", "[a-z0-9]{25}"),
        ("<TIME>", "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}[^ ]*"),
    ]

    /// How the text differs from the expected lines, or nil where it doesn't.
    func difference(from text: String) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        if Self.matches(expected[...], lines[...]) { return nil }
        return "standard output is\n\(quote(text))\n  and had to be\n\(quote(expected.joined(separator: "\n")))"
    }

    private static func matches(_ expected: ArraySlice<String>, _ lines: ArraySlice<String>) -> Bool {
        guard let first = expected.first else { return lines.isEmpty }
        if first == "..." {
            return (lines.startIndex...lines.endIndex).contains { matches(expected.dropFirst(), lines[$0...]) }
        }
        guard let line = lines.first, matches(first, line) else { return false }
        return matches(expected.dropFirst(), lines.dropFirst())
    }

    /// Runs of two spaces and more stand between columns, whose width depends on what is in them.
    private static func matches(_ expected: String, _ line: String) -> Bool {
        if expected == "<blank>" { return line.allSatisfy { $0 == " " } }
        var expression = ""
        var rest = Substring(expected)
        while let character = rest.first {
            if let wildcard = wildcards.first(where: { rest.hasPrefix($0.mark) }) {
                expression += wildcard.expression
                rest = rest.dropFirst(wildcard.mark.count)
            } else if rest.hasPrefix("  ") {
                expression += " {2,}"
                rest = rest.drop { $0 == " " }
            } else {
                if !character.isLetter && !character.isNumber && character.isASCII { expression += "\\" }
                expression.append(character)
                rest = rest.dropFirst()
            }
        }
        guard let regex = try? Regex(expression + " *") else { return false }
        return line.wholeMatch(of: regex) != nil
    }
}

/// The help of a command.
///
/// - Parameters:
///   - path: the subcommands' names, empty for the program itself.
///   - root: the program.
///   - width: the columns to fill.
/// - Returns: nil where there is no such command.
public func helpText(for path: [String], in root: Command, width: Int = 80) -> String? {
    var levels = [root]
    for name in path {
        guard let next = levels[levels.count - 1].subcommand(name) else { return nil }
        levels.append(next)
    }
    let command = levels[levels.count - 1]
    // Narrower, words would stand in columns of their own; wider, lines are hard to read.
    let width = min(max(width, 40), 100)
    var sections = ["Usage:  \(usageLine(for: levels))"]
    sections.append(wrap(command.discussion.isEmpty ? "\(command.summary)." : command.discussion, width: width).joined(separator: "\n"))
    if !command.subcommands.isEmpty {
        sections.append(section("Commands", command.subcommands.map { ($0.name, $0.summary) }, width))
    }
    if !command.examples.isEmpty {
        let lines = command.examples.flatMap { ["  # \($0.purpose)", "  $ \($0.commandLine)", ""] }
        sections.append("Examples:\n" + lines.dropLast().joined(separator: "\n"))
    }
    let help = Command.Option.flag("help", short: "h", help: "Show this help")
    if levels.count > 1 {
        sections.append(section("Options", (command.options + [help]).map(row), width))
        if let glossary = command.glossary {
            sections.append(section(glossary.title, glossary.entries.map { ($0.word, $0.meaning) }, width))
        }
        let outer = levels.indices.dropLast().flatMap { levels[$0].options(holdingFor: levels[($0 + 1)...]) }
        if !outer.isEmpty { sections.append(section("Global options", outer.map(row), width)) }
    } else {
        sections.append(section("Global options", (root.options + [help]).map(row), width))
    }
    if !command.subcommands.isEmpty {
        let name = levels.map(\.name).joined(separator: " ")
        sections.append("Run '\(name) COMMAND --help' for more about a command.")
    }
    return sections.joined(separator: "\n\n") + "\n"
}

/// `stackup up [OPTIONS] [SERVICE...]`
func usageLine(for levels: [Command]) -> String {
    let command = levels[levels.count - 1]
    let name = levels.map(\.name).joined(separator: " ")
    if let usage = command.usage { return "\(name) \(usage)" }
    if !command.subcommands.isEmpty { return "\(name) [OPTIONS] COMMAND" }
    let arguments = command.arguments.map { " \($0.synopsis)" }.joined()
    return "\(name) [OPTIONS]\(arguments)"
}

private func row(_ option: Command.Option) -> (String, String) {
    let short = option.short.map { "-\($0), " } ?? "    "
    let name = option.kind == .flag(negatable: true) ? "--[no-]\(option.name)" : "--\(option.name)"
    return (short + name + (option.placeholder.map { " \($0)" } ?? ""), option.help)
}

private func section(_ title: String, _ rows: [(String, String)], _ width: Int) -> String {
    // A long option goes on a line of its own rather than pushing every other text to the right.
    let column = min((rows.map(\.0.count).max() ?? 0) + 4, 32)
    var lines = ["\(title):"]
    for (name, help) in rows {
        var text = wrap(help, width: max(width - column, 20))
        let start = "  " + name
        if start.count + 2 > column {
            lines.append(start)
        } else {
            let first = text.isEmpty ? "" : text.removeFirst()
            lines.append(first.isEmpty ? start : start + String(repeating: " ", count: column - start.count) + first)
        }
        lines += text.map { String(repeating: " ", count: column) + $0 }
    }
    return lines.joined(separator: "\n")
}

/// The text in lines of at most `width` columns. A single line end in it is where the source was wrapped and means a
/// space; an empty line separates paragraphs.
func wrap(_ text: String, width: Int) -> [String] {
    let paragraphs = text.split(separator: "\n", omittingEmptySubsequences: false).split { $0.allSatisfy { $0 == " " } }
    return Array(paragraphs.map { paragraph -> [String] in
        var lines: [String] = []
        var line = ""
        for word in paragraph.joined(separator: " ").split(separator: " ") {
            if !line.isEmpty, displayWidth(line) + 1 + displayWidth(word) > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }.joined(separator: [""]))
}

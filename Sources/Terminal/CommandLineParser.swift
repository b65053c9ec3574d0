/// Reads a command line.
///
/// Options and arguments may mix, long options take their value after `=` or as the next word, short ones can be
/// grouped and take their value at once or as the next word, and `--` ends the options. An option of a subcommand
/// hides an outer one of the same letter: `logs -f` follows, while `-f` before `logs` names a file.
///
/// - Parameters:
///   - arguments: without the program's name.
///   - command: the program.
/// - Throws: for the first thing that cannot be understood.
public func parse(_ arguments: [String], command: Command) throws(UsageError) -> ParsedCommand {
    var parser = CommandLineParser(arguments: arguments, root: command)
    return try parser.run()
}

/// The options that may be given at the last of these levels, its own first: they hide outer ones of the same name.
func visibleOptions(of levels: [Command]) -> [Command.Option] {
    levels.indices.reversed().flatMap { levels[$0].options(holdingFor: levels[($0 + 1)...]) }
}

private struct CommandLineParser {
    var rest: ArraySlice<String>
    /// From the program down to the current subcommand.
    var levels: [Command]
    var parsed: ParsedCommand

    init(arguments: [String], root: Command) {
        rest = arguments[...]
        levels = [root]
        parsed = ParsedCommand(
            path: [], command: root, arguments: [], wantsHelp: false, commandPath: [root.name])
    }

    mutating func run() throws(UsageError) -> ParsedCommand {
        var isPastOptions = false
        while let word = rest.popFirst() {
            if !isPastOptions, word == "--" {
                isPastOptions = true
            } else if !isPastOptions, word.hasPrefix("--") {
                try long(word)
            } else if !isPastOptions, word.hasPrefix("-"), word != "-" {
                try short(word)
            } else if parsed.isIncomplete {
                try enter(word)
            } else {
                parsed.arguments.append(word)
                if parsed.command.stopsAtFirstPositional { isPastOptions = true }
            }
        }
        if !parsed.wantsHelp, !parsed.isIncomplete { try checkArguments() }
        return parsed
    }

    private mutating func enter(_ word: String) throws(UsageError) {
        guard let subcommand = parsed.command.subcommand(word) else {
            if let foreign = foreign(word) {
                throw error("'\(word)' is a command of \(foreign.program) that \(levels[0].name) does not have yet")
            }
            let names = parsed.command.subcommands.flatMap { [$0.name] + $0.aliases }
            let suggestion = parsed.command.suggestions[word]
            throw error("unknown command '\(word)'", remedy: suggestion ?? nearest(to: word, among: names).map { "did you mean '\($0)'?" })
        }
        try refuseOptions(lostTo: subcommand)
        levels.append(subcommand)
        parsed.command = subcommand
        parsed.path.append(subcommand.name)
        parsed.commandPath.append(subcommand.name)
    }

    /// An option that was given before a subcommand which does not take it. One that stands alone is left to the program:
    /// what it asks for comes before any subcommand.
    private func refuseOptions(lostTo subcommand: Command) throws(UsageError) {
        for level in levels {
            for option in level.options where parsed.given[option.name] != nil || parsed.flags[option.name] != nil {
                guard !option.standsAlone, !subcommand.leadingOptions.contains(option.name),
                    !level.options(holdingFor: [subcommand]).contains(where: { $0.name == option.name })
                else { continue }
                throw error("'\(subcommand.name)' does not take the option '--\(option.name)'", remedy: "remove it")
            }
        }
    }

    private mutating func long(_ word: String) throws(UsageError) {
        let body = word.dropFirst(2)
        let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let attached = parts.count > 1 ? String(parts[1]) : nil
        if let option = find({ $0.name == name }) {
            try take(option, spelled: "--\(name)", attached: attached)
        } else if name.hasPrefix("no-"), let option = find({ $0.kind == .flag(negatable: true) && $0.name == name.dropFirst(3) }) {
            parsed.flags[option.name] = try !boolean(attached ?? "true", spelled: "--\(name)")
        } else if name == "help" {
            parsed.wantsHelp = true
        } else {
            throw unknown("--\(name)") { $0.name == name }
        }
    }

    private mutating func short(_ word: String) throws(UsageError) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = find({ $0.short == letter }) else {
                guard letter == "h" else { throw unknown("-\(letter)") { $0.short == letter } }
                parsed.wantsHelp = true
                continue
            }
            if case .flag = option.kind {
                // `-d=false`, as other parsers of this manner take it.
                let attached = letters.first == "=" ? String(letters.dropFirst()) : nil
                if attached != nil { letters = "" }
                try take(option, spelled: "-\(letter)", attached: attached)
            } else {
                let attached = letters.first == "=" ? letters.dropFirst() : letters
                let isAttached = !letters.isEmpty
                letters = ""
                try take(option, spelled: "-\(letter)", attached: isAttached ? String(attached) : nil)
            }
        }
    }

    private func find(_ matches: (Command.Option) -> Bool) -> Command.Option? {
        visibleOptions(of: levels).first(where: matches)
    }

    private mutating func take(
        _ option: Command.Option, spelled: String, attached: String?
    ) throws(UsageError) {
        switch option.kind {
        case .flag:
            parsed.flags[option.name] = try boolean(attached ?? "true", spelled: spelled)
        case .value(let placeholder, let choices):
            let value = try self.value(spelled, placeholder, attached)
            guard choices.isEmpty || choices.contains(value) else {
                throw error(
                    "option '\(spelled)' does not take '\(value)'",
                    remedy: "give one of \(choices.joined(separator: ", "))")
            }
            parsed.given[option.name, default: []].append(value)
        case .repeated(let placeholder):
            parsed.given[option.name, default: []].append(try value(spelled, placeholder, attached))
        }
    }

    private mutating func value(
        _ spelled: String, _ placeholder: String, _ attached: String?
    ) throws(UsageError) -> String {
        guard let value = attached ?? rest.popFirst() else {
            throw error("option '\(spelled)' needs a value", remedy: "write '\(spelled) \(placeholder)'")
        }
        return value
    }

    private func boolean(_ text: String, spelled: String) throws(UsageError) -> Bool {
        switch text.lowercased() {
        case "true", "t", "1": return true
        case "false", "f", "0": return false
        default: throw error("option '\(spelled)' is a flag and does not take '\(text)'", remedy: "give true or false")
        }
    }

    private func checkArguments() throws(UsageError) {
        let declared = parsed.command.arguments
        let required = declared.filter(\.count.isRequired)
        if parsed.arguments.count < required.count {
            let missing = required[parsed.arguments.count...].map { "'\($0.name)'" }
            throw error("\(missing.joined(separator: " and ")) \(missing.count == 1 ? "is" : "are") missing", remedy: "usage: \(usageLine(for: levels))")
        }
        if !declared.contains(where: \.count.repeats), parsed.arguments.count > declared.count {
            throw error(
                "'\(parsed.arguments[declared.count])' is one argument too many",
                remedy: "usage: \(usageLine(for: levels))")
        }
    }

    private func unknown(_ spelled: String, _ matches: (Command.Option) -> Bool) -> UsageError {
        if let foreign = foreign(spelled) {
            let message = "'\(spelled)' is an option of \(foreign.program) that \(levels[0].name) does not have"
            guard let remedy = foreign.remedies[spelled] else { return error(message + " yet") }
            return error(message, remedy: remedy)
        }
        let visible = visibleOptions(of: levels)
        var remedy: String?
        if let other = parsed.command.subcommands.first(where: { $0.options.contains(where: matches) }) {
            remedy = "put it after the command, as in '\(parsed.commandPath.joined(separator: " ")) \(other.name) \(spelled)'"
        } else if levels.dropLast().contains(where: { $0.options.contains { $0.standsAlone && matches($0) } }) {
            remedy = "it stands alone, as in '\(levels[0].name) \(spelled)'"
        } else if spelled.hasPrefix("--") {
            let names = visible.flatMap { option in
                option.kind == .flag(negatable: true) ? ["--\(option.name)", "--no-\(option.name)"] : ["--\(option.name)"]
            } + ["--help"]
            // The opposite of what was meant is no help.
            let alike = names.filter { $0.hasPrefix("--no-") == spelled.hasPrefix("--no-") }
            remedy = nearest(to: spelled, among: alike).map { "did you mean '\($0)'?" }
        }
        return error("unknown option '\(spelled)'", remedy: remedy)
    }

    /// Whose a name is that the command does not know.
    private func foreign(_ name: String) -> Command.Foreign? {
        levels.reversed().lazy.compactMap(\.foreign).first { $0.names.contains(name) }
    }

    private func error(_ message: String, remedy: String? = nil) -> UsageError {
        UsageError(message, remedy: remedy, commandPath: parsed.commandPath)
    }
}

/// A command line, understood.
public struct ParsedCommand: Sendable {
    /// The subcommands' names without the program's, for example `["secret", "create"]`; aliases are resolved.
    public internal(set) var path: [String]
    /// The command at the end of the path.
    public internal(set) var command: Command
    /// The positional arguments.
    public internal(set) var arguments: [String]
    /// Whether `-h` or `--help` was given; then the arguments are not checked.
    public internal(set) var wantsHelp: Bool
    /// `["stackup", "secret", "create"]`.
    public internal(set) var commandPath: [String]

    var given: [String: [String]] = [:]
    var flags: [String: Bool] = [:]

    /// Whether a subcommand is still missing.
    public var isIncomplete: Bool { !command.subcommands.isEmpty }

    /// Whether the flag is on.
    public func flag(_ name: String) -> Bool { flags[name] ?? false }

    /// What was said about the flag, nil for nothing: tells `--no-x` from silence.
    public func flagIfGiven(_ name: String) -> Bool? { flags[name] }

    /// The value of an option, the last one where it was given more than once.
    public func value(_ name: String) -> String? { given[name]?.last }

    /// The values of an option in the order given.
    public func values(_ name: String) -> [String] { given[name] ?? [] }

    /// The value of an option as a whole number.
    /// - Throws: where it is none, or outside `range`.
    public func integer(_ name: String, in range: ClosedRange<Int> = 0...Int.max) throws(UsageError) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let limits = range.upperBound == .max ? "of at least \(range.lowerBound)"
                : "from \(range.lowerBound) to \(range.upperBound)"
            throw UsageError("option '--\(name)' needs a whole number \(limits), not '\(text)'", commandPath: commandPath)
        }
        return number
    }

    /// An error about this command line that only the command itself can find.
    public func usageError(_ message: String, remedy: String? = nil) -> UsageError {
        UsageError(message, remedy: remedy, commandPath: commandPath)
    }
}

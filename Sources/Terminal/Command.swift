/// A command of the command line, declared as a value: what it takes, and what its help says.
///
/// A command with subcommands takes no arguments of its own; its options hold for all of them and may stand
/// before or after the subcommand's name, unless either says otherwise: see ``Option/standsAlone`` and
/// ``inheritedOptions``.
public struct Command: Sendable {
    public var name: String
    /// One line for the list of commands, upper case, no full stop.
    public var summary: String
    /// What it does, in full sentences, for its own help; the summary where it is empty.
    public var discussion: String
    /// The synopsis after the command's name; made from options and arguments where it is nil.
    public var usage: String?
    /// Other names that it answers to.
    public var aliases: [String]
    public var examples: [Example]
    public var options: [Option]
    /// The names of those options of the commands above that mean something here; nil where all of them do. The others
    /// are unknown to it: one that is taken and has no effect misleads.
    public var inheritedOptions: [String]?
    /// The names of further ones that mean something here, but may only be given before the command: after it, where another program
    /// has other options of these names, they would be misunderstood.
    public var leadingOptions: [String]
    public var arguments: [Argument]
    /// Words that an option or argument takes, explained below the options.
    public var glossary: Glossary?
    public var subcommands: [Command]
    /// Whether everything from the first argument on is taken as it is, options included: for `exec SERVICE
    /// COMMAND -x`.
    public var stopsAtFirstPositional: Bool
    /// What people may type because another program has it.
    public var foreign: Foreign?
    /// What to type in the place of words that are taken for subcommands, where no likeness tells.
    public var suggestions: [String: String]

    public init(
        _ name: String, summary: String, discussion: String = "", usage: String? = nil, aliases: [String] = [],
        examples: [Example] = [], options: [Option] = [], inheritedOptions: [String]? = nil, leadingOptions: [String] = [],
        arguments: [Argument] = [], glossary: Glossary? = nil, subcommands: [Command] = [], stopsAtFirstPositional: Bool = false,
        foreign: Foreign? = nil, suggestions: [String: String] = [:]
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.usage = usage
        self.aliases = aliases
        self.examples = examples
        self.options = options
        self.inheritedOptions = inheritedOptions
        self.leadingOptions = leadingOptions
        self.arguments = arguments
        self.glossary = glossary
        self.subcommands = subcommands
        self.stopsAtFirstPositional = stopsAtFirstPositional
        self.foreign = foreign
        self.suggestions = suggestions
    }

    /// The subcommand that answers to `name`.
    public func subcommand(_ name: String) -> Command? {
        subcommands.first { $0.name == name || $0.aliases.contains(name) }
    }

    /// The same command, taking these options alone of the commands above, unless it says itself which.
    public func inheriting(_ options: [String]) -> Command {
        var command = self
        command.inheritedOptions = inheritedOptions ?? options
        return command
    }

    /// Those of the options that hold for a subcommand below, `path` being the commands that lead there.
    func options(holdingFor path: some Sequence<Command>) -> [Option] {
        options.filter { option in
            path.allSatisfy { !option.standsAlone && $0.inheritedOptions?.contains(option.name) ?? true }
        }
    }
}

extension Command {
    /// Subcommands and options, as typed, of a program that this one is taken for: they are named as such, and nothing else is
    /// suggested, which might do harm.
    public struct Foreign: Sendable {
        public var program: String
        public var names: [String]
        /// What to do instead, for those names where there is something.
        public var remedies: [String: String]

        public init(of program: String, _ names: [String], remedies: [String: String] = [:]) {
            self.program = program
            self.names = names + remedies.keys
            self.remedies = remedies
        }
    }

    /// Words and what they mean.
    public struct Glossary: Sendable {
        public var title: String
        public var entries: [(word: String, meaning: String)]

        public init(_ title: String, _ entries: [(word: String, meaning: String)]) {
            self.title = title
            self.entries = entries
        }
    }

    /// A command line that works, and what it is for.
    public struct Example: Sendable {
        public var commandLine: String
        public var purpose: String

        public init(_ commandLine: String, _ purpose: String) {
            self.commandLine = commandLine
            self.purpose = purpose
        }
    }

    /// One positional argument.
    public struct Argument: Sendable {
        public enum Count: Sendable {
            case one, atMostOne, any, atLeastOne

            var isRequired: Bool { self == .one || self == .atLeastOne }
            var repeats: Bool { self == .any || self == .atLeastOne }
        }

        /// As help shows it: `SERVICE`, `FILE|-`.
        public var name: String
        public var count: Count

        public init(_ name: String, _ count: Count = .one) {
            self.name = name
            self.count = count
        }

        var synopsis: String {
            let text = count.repeats ? "\(name)..." : name
            return count.isRequired ? text : "[\(text)]"
        }
    }

    /// One option: `-f FILE`, `-fFILE`, `--file=FILE`, `--file FILE`, or a flag.
    public struct Option: Sendable {
        public enum Kind: Sendable, Equatable {
            /// On or off; a negatable one has `--no-NAME` too, and both take `=true` and `=false`.
            case flag(negatable: Bool)
            /// The last one given counts. `choices` are the only values accepted, or any where it is empty.
            case value(String, choices: [String])
            /// Each one given counts.
            case repeated(String)
        }

        /// Without the dashes.
        public var name: String
        public var short: Character?
        public var kind: Kind
        public var help: String
        /// Whether it is all that is asked for, as `--version` is: no subcommand takes it, and none runs after it.
        public var standsAlone: Bool

        public init(_ name: String, short: Character? = nil, _ kind: Kind, help: String, standsAlone: Bool = false) {
            self.name = name
            self.short = short
            self.kind = kind
            self.help = help
            self.standsAlone = standsAlone
        }

        public static func flag(
            _ name: String, short: Character? = nil, negatable: Bool = false, help: String, standsAlone: Bool = false
        ) -> Option {
            Option(name, short: short, .flag(negatable: negatable), help: help, standsAlone: standsAlone)
        }

        /// `placeholder` names the value in help, upper case.
        public static func value(
            _ name: String, short: Character? = nil, _ placeholder: String, help: String
        ) -> Option {
            Option(name, short: short, .value(placeholder, choices: []), help: help)
        }

        public static func choice(
            _ name: String, short: Character? = nil, _ choices: [String], help: String
        ) -> Option {
            let placeholder = choices.dropFirst().reduce(choices.first ?? "") { $0 + "|" + $1 }
            return Option(name, short: short, .value(placeholder, choices: choices), help: help)
        }

        public static func repeated(
            _ name: String, short: Character? = nil, _ placeholder: String, help: String
        ) -> Option {
            Option(name, short: short, .repeated(placeholder), help: help)
        }

        var placeholder: String? {
            switch kind {
            case .flag: nil
            case .value(let placeholder, _), .repeated(let placeholder): placeholder
            }
        }
    }
}

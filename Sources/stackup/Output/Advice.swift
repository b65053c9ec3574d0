import Terminal
import Words

/// What makes a command that is advised one about the same project: the options that this command has got.
///
/// Advice is put in words where nobody knows of the command line, by the runner too. So it names commands as they are in a project's own
/// folder, and gets the options when it is printed.
struct Advice: Sendable {
    /// ` -p shop -f compose.yaml`; empty where none were given.
    private let options: String

    init(_ arguments: ParsedCommand) {
        let names = [("-p", "project-name"), ("-f", "file"), ("--project-directory", "project-directory"), ("--env-file", "env-file"), ("--profile", "profile")]
        options = names.flatMap { option, name in arguments.values(name).map { " " + ShellWords.joined([option, $0]) } }.joined()
    }

    /// The text with the options in each command that is about a project: behind a quote or a colon, as all are written.
    func completed(_ text: String) -> String {
        guard !options.isEmpty, text.contains(part: "stackup ") else { return text }
        return Self.commands.reduce(text) { text, command in
            ["'", ": "].reduce(text) { $0.replacing(part: "\($1)stackup \(command)", with: "\($1)stackup\(options) \(command)") }
        }
    }

    /// Those that advice names.
    private static let commands = ["up ", "down", "start ", "stop ", "restart ", "kill ", "pause ", "unpause ", "run ", "plan", "config ", "boot "]
}

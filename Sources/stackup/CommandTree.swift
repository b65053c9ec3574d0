import Terminal

/// Every command, and who runs it.
enum CommandTree {
    static let root = Command(
        "stackup", summary: "Deploy a Compose file on one host, with secrets that stay secret",
        discussion: """
            Runs the services of a Compose file as isolated processes, without a daemon. Secrets are kept in an encrypted
            store, and each service gets the ones it is granted in a tmpfs of its own.
            """,
        examples: [
            .init("stackup up -d", "start the stack of this directory in the background"),
            .init("stackup grants", "see who can read which secret"),
            .init("stackup config -q", "validate the files, for CI"),
            .init("stackup down", "stop it; volumes and the store stay"),
        ],
        options: projectOptions + outputOptions + storeOptions + [.flag("version", short: "v", help: "Show the version", standsAlone: true)],
        subcommands: runners.map { $0.command.withForeign(ForeignNames.of($0.command.name)) }, foreign: ForeignNames.ofProgram)

    /// Which project: of no meaning to commands that are about none.
    private static let projectOptions: [Command.Option] = [
        .repeated("file", short: "f", "FILE", help: "A Compose file; several are merged, '-' is standard input"),
        .value("project-name", short: "p", "NAME", help: "The project's name"),
        .value("project-directory", "DIR", help: "What relative paths start from (default: the first file's folder)"),
        .repeated("env-file", "FILE", help: "Read variables from this file instead of .env"),
        .repeated("profile", "NAME", help: "Enable a profile"),
    ]

    private static let outputOptions: [Command.Option] = [
        .choice("progress", ["auto", "tty", "plain", "json", "quiet"], help: "How to show progress (default auto)"),
        .choice("ansi", ["auto", "never", "always"], help: "When to use colours (default auto)"),
    ]

    private static let storeOptions: [Command.Option] = [
        .value("passphrase-fd", "N", help: "Read the store's passphrase from this descriptor")
    ]

    /// For a command on the store that takes a project's keys for names: what says which project. Only before the command: `secret rm -f NAME`
    /// is another program's, and means something else there.
    static let ofKeys = ["file", "project-name", "project-directory", "env-file"]

    /// For a command that is about no project: what it takes of the program's options.
    static let withoutProject = (outputOptions + storeOptions).map(\.name)

    /// For a command that is about neither a project nor the store.
    static let withoutStore = outputOptions.map(\.name)

    /// What `help` lists, in the order of a stack's life.
    private static let runners: [(command: Command, run: @Sendable (Invocation) throws -> Int32)] = [
        (Up.command, Up.run), (Down.command, Down.run), (Scale.command, Scale.run), (PlanCommand.command, PlanCommand.run), (Ps.command, Ps.run), (Ls.command, Ls.run),
        (Stats.command, Stats.run), (Top.command, Top.run),
        (Logs.command, Logs.run), (Events.command, Events.run), (Exec.command, Exec.run), (RunCommand.command, RunCommand.run), (Wait.command, Wait.run), (Stop.command, Stop.run), (Start.command, Start.run),
        (RestartCommand.command, RestartCommand.run), (Kill.command, Kill.run), (Pause.command, Pause.run), (Unpause.command, Unpause.run),
        (ConfigCommand.command, ConfigCommand.run), (Grants.command, Grants.run),
        (SecretCommand.command, SecretCommand.run), (StoreCommand.command, StoreCommand.run),
        (Boot.command, Boot.run), (Version.command, Version.run), (Help.command, Help.run),
    ]

    /// Who runs the command that was parsed.
    static func runner(for path: [String]) -> (@Sendable (Invocation) throws -> Int32)? {
        runners.first { $0.command.name == path.first }?.run
    }
}

/// `stackup help [COMMAND]`.
enum Help {
    static let command = Command(
        "help", summary: "Show help for a command", examples: [.init("stackup help up", "the same as stackup up --help")],
        inheritedOptions: CommandTree.withoutStore, arguments: [.init("COMMAND", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        guard let text = helpText(for: invocation.operands, in: CommandTree.root, width: outputWidth()) else {
            throw invocation.arguments.usageError(
                "there is no command '\(invocation.operands.joined(separator: " "))'", remedy: "'stackup help' lists them")
        }
        invocation.streams.print(text, terminator: "")
        return 0
    }
}

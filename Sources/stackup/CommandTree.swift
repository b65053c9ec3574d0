import Terminal

/// Every command, and who runs it.
enum CommandTree {
    static let root = root(with: runners)

    /// Reads a command line.
    ///
    /// A command is made only where the line has its name: most time of a short one would go into the others. Where anything is amiss,
    /// or help is asked for, all of them are.
    static func parse(_ arguments: [String]) throws(UsageError) -> ParsedCommand {
        let named = Set(arguments)
        let few = root(with: runners.filter { named.contains($0.name) })
        if !few.subcommands.isEmpty, let parsed = try? Terminal.parse(arguments, command: few), !parsed.wantsHelp, !parsed.isIncomplete {
            return parsed
        }
        return try Terminal.parse(arguments, command: root)
    }

    private static func root(with runners: [Runner]) -> Command {
        Command(
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
            subcommands: runners.map { $0.command().withForeign(ForeignNames.of($0.name)) }, foreign: ForeignNames.ofProgram)
    }

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

    /// A command by its name, which tells it before it is made.
    private typealias Runner = (name: String, command: @Sendable () -> Command, run: @Sendable (Invocation) throws -> Int32)

    /// What `help` lists, in the order of a stack's life.
    private static let runners: [Runner] = [
        ("up", { Up.command }, Up.run),
        ("down", { Down.command }, Down.run),
        ("scale", { Scale.command }, Scale.run),
        ("plan", { PlanCommand.command }, PlanCommand.run),
        ("ps", { Ps.command }, Ps.run),
        ("ls", { Ls.command }, Ls.run),
        ("stats", { Stats.command }, Stats.run),
        ("top", { Top.command }, Top.run),
        ("port", { Port.command }, Port.run),
        ("logs", { Logs.command }, Logs.run),
        ("events", { Events.command }, Events.run),
        ("exec", { Exec.command }, Exec.run),
        ("run", { RunCommand.command }, RunCommand.run),
        ("watch", { Watch.command }, Watch.run),
        ("cp", { Copy.command }, Copy.run),
        ("attach", { Attach.command }, Attach.run),
        ("wait", { Wait.command }, Wait.run),
        ("stop", { Stop.command }, Stop.run),
        ("start", { Start.command }, Start.run),
        ("restart", { RestartCommand.command }, RestartCommand.run),
        ("kill", { Kill.command }, Kill.run),
        ("pause", { Pause.command }, Pause.run),
        ("unpause", { Unpause.command }, Unpause.run),
        ("config", { ConfigCommand.command }, ConfigCommand.run),
        ("grants", { Grants.command }, Grants.run),
        ("secret", { SecretCommand.command }, SecretCommand.run),
        ("store", { StoreCommand.command }, StoreCommand.run),
        ("boot", { Boot.command }, Boot.run),
        ("version", { Version.command }, Version.run),
        ("help", { Help.command }, Help.run),
    ]

    /// Who runs the command that was parsed.
    static func runner(for path: [String]) -> (@Sendable (Invocation) throws -> Int32)? {
        runners.first { $0.name == path.first }?.run
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

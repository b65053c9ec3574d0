import Testing
@testable import Terminal

let program = Command(
    "stackup", summary: "Deploy a Compose file on this host",
    options: [
        .repeated("file", short: "f", "FILE", help: "Compose configuration files"),
        .value("project-name", short: "p", "NAME", help: "Project name"),
        .choice("ansi", ["auto", "never", "always"], help: "When to colour output"),
        .flag("version", short: "v", help: "Show the version", standsAlone: true),
    ],
    subcommands: [
        Command(
            "up", summary: "Create and start services",
            discussion: "Computes what has to change and changes it. Services that are as the files say are left alone.",
            examples: [
                .init("stackup up -d", "start everything in the background"),
                .init("stackup up -d web", "start web and what it depends on"),
            ],
            options: [
                .flag("detach", short: "d", help: "Run in the background"),
                .flag("wait", short: "w", help: "Wait until services run"),
                .flag("start", negatable: true, help: "Start the services after creating them"),
                .value("timeout", short: "t", "SECONDS", help: "How long to wait for a service to stop"),
            ],
            arguments: [.init("SERVICE", .any)]),
        Command(
            "logs", summary: "Show output", options: [.flag("follow", short: "f", help: "Follow")],
            arguments: [.init("SERVICE", .any)]),
        Command(
            "exec", summary: "Run a command in a service",
            options: [
                .value("user", short: "u", "USER", help: "Who runs it"),
                .flag("no-tty", short: "T", help: "No pseudo-terminal"),
                .repeated("env", short: "e", "KEY=VALUE", help: "Set a variable"),
            ],
            arguments: [.init("SERVICE"), .init("COMMAND", .atLeastOne)], stopsAtFirstPositional: true),
        Command("version", summary: "Show the version"),
        Command(
            "secret", summary: "Manage secrets", inheritedOptions: ["ansi"], leadingOptions: ["file"],
            subcommands: [
                Command(
                    "create", summary: "Create a secret", arguments: [.init("NAME"), .init("FILE|-")],
                    glossary: .init("Generators", [("password", "characters"), ("uuid", "a random UUID")])),
                Command("ls", summary: "List secrets", aliases: ["list"], inheritedOptions: ["ansi"]),
                Command("rm", summary: "Remove secrets", arguments: [.init("NAME", .atLeastOne)]),
            ]),
    ], foreign: Command.Foreign(of: "docker compose", ["pu", "--ansy"]))

private func parsed(_ line: String) throws -> ParsedCommand {
    try parse(line.split(separator: " ").map(String.init), command: program)
}

private func message(_ words: [String]) -> String? {
    do {
        _ = try parse(words, command: program)
        return nil
    } catch {
        return error.description
    }
}

@Suite struct CommandLineTests {
    @Test(arguments: [
        "-f a -f b up -d web", "-fa -f=b up --detach web", "up --file=a --file b -d web", "up web -df a -fb",
        "--file a up --file=b web --detach=true", "-f a up -d --file b -- web",
    ])
    func theSameThingCanBeSaidInManyWays(line: String) throws {
        let command = try parsed(line)
        #expect(command.path == ["up"])
        #expect(command.values("file") == ["a", "b"])
        #expect(command.flag("detach"))
        #expect(!command.flag("wait"))
        #expect(command.arguments == ["web"])
    }

    @Test func anOptionMayHoldForACommandThatDoesNotTakeItBehindItsName() throws {
        let command = try parsed("-f compose.yaml secret rm a")
        #expect(command.values("file") == ["compose.yaml"])
        #expect(command.arguments == ["a"])
    }

    @Test func aSubcommandsLetterHidesTheGlobalOne() throws {
        let command = try parsed("-f compose.yaml logs -f web")
        #expect(command.values("file") == ["compose.yaml"])
        #expect(command.flag("follow"))
        #expect(command.arguments == ["web"])
    }

    @Test func execTakesItsCommandAsItIs() throws {
        let command = try parsed("exec -Tu postgres -eA=1 --env B=2 db psql -f x --help -- -T")
        #expect(command.value("user") == "postgres")
        #expect(command.values("env") == ["A=1", "B=2"])
        #expect(command.flag("no-tty"))
        #expect(command.arguments == ["db", "psql", "-f", "x", "--help", "--", "-T"])
        #expect(command.values("file") == [])
        #expect(!command.wantsHelp)
    }

    @Test func subcommandsNestAndAliasesResolve() throws {
        #expect(try parsed("secret create db_password -").path == ["secret", "create"])
        #expect(try parsed("secret create db_password -").arguments == ["db_password", "-"])
        #expect(try parsed("secret list").path == ["secret", "ls"])
        #expect(try parsed("secret").isIncomplete)
        #expect(try parsed("--version").flag("version"))
        #expect(try parsed("").isIncomplete)
    }

    @Test func aGroupTakesTheOuterOptionsThatItNames() throws {
        #expect(try parsed("--ansi never secret ls").value("ansi") == "never")
        #expect(try parsed("secret ls --ansi never").value("ansi") == "never")
        // What stands alone is all that is asked for; the program sees it whatever follows.
        #expect(try parsed("--version secret ls").flag("version"))
    }

    @Test func afterTheTerminatorEverythingIsAnArgument() throws {
        #expect(try parsed("up -- -d --wait").arguments == ["-d", "--wait"])
        #expect(try parsed("secret create -- -name file").arguments == ["-name", "file"])
    }

    @Test func aNegatedFlagIsNotSilence() throws {
        #expect(try parsed("up --no-start").flagIfGiven("start") == false)
        #expect(try parsed("up --start").flagIfGiven("start") == true)
        #expect(try parsed("up").flagIfGiven("start") == nil)
        #expect(try parsed("up --detach --detach=false").flag("detach") == false)
    }

    @Test func helpIsFoundAtEveryLevel() throws {
        for line in ["-h", "--help", "up -dh", "up --help", "-h up", "secret create --help"] {
            #expect(try parsed(line).wantsHelp, "\(line)")
        }
    }

    @Test(arguments: [
        (["up", "--detatch"], "unknown option '--detatch'; did you mean '--detach'?"),
        (["up", "--no-detach"], "unknown option '--no-detach'"),
        (["up", "--no-strat"], "unknown option '--no-strat'; did you mean '--no-start'?"),
        (["up", "-x"], "unknown option '-x'"),
        (["-d", "up"], "unknown option '-d'; put it after the command, as in 'stackup up -d'"),
        (["--wait"], "unknown option '--wait'; put it after the command, as in 'stackup up --wait'"),
        (["upp"], "unknown command 'upp'; did you mean 'up'?"),
        (["secret", "craete"], "unknown command 'craete'; did you mean 'create'?"),
        (["frobnicate"], "unknown command 'frobnicate'"),
        (["up", "-t"], "option '-t' needs a value; write '-t SECONDS'"),
        (["--file"], "option '--file' needs a value; write '--file FILE'"),
        (["--ansi", "maybe", "up"], "option '--ansi' does not take 'maybe'; give one of auto, never, always"),
        (["up", "--detach=maybe"], "option '--detach' is a flag and does not take 'maybe'; give true or false"),
        (["version", "x"], "'x' is one argument too many; usage: stackup version [OPTIONS]"),
        (["secret", "create", "a"], "'FILE|-' is missing; usage: stackup secret create [OPTIONS] NAME FILE|-"),
        (["exec"], "'SERVICE' and 'COMMAND' are missing; usage: stackup exec [OPTIONS] SERVICE COMMAND..."),
        (["up", "--version"], "unknown option '--version'; it stands alone, as in 'stackup --version'"),
        (["up", "-dv"], "unknown option '-v'; it stands alone, as in 'stackup -v'"),
        (["secret", "ls", "-f", "name=a"], "unknown option '-f'"),
        (["secret", "--project-name", "a", "ls"], "unknown option '--project-name'"),
        (["-f", "a", "secret", "ls"], "'ls' does not take the option '--file'; remove it"),
        (["-p", "a", "secret", "rm", "b"], "'secret' does not take the option '--project-name'; remove it"),
        (["secret", "rm", "-f", "a"], "unknown option '-f'"),
        (["up", "--\u{1B}[31m"], #"unknown option '--\x1b[31m'"#),
        ([""], "unknown command ''"),
    ] as [([String], String)])
    func aMistakeIsNamedWithItsRemedy(words: [String], expected: String) {
        #expect(message(words) == expected)
    }

    @Test func anErrorSaysWhereToReadMore() {
        let error = #expect(throws: UsageError.self) { try parsed("secret create") }
        #expect(error?.text.hasSuffix("\nsee 'stackup secret create --help'") == true)
        #expect(UsageError.exitStatus == 64)
    }

    @Test func numbersAreChecked() throws {
        #expect(try parsed("up -t 10").integer("timeout") == 10)
        #expect(try parsed("up").integer("timeout") == nil)
        for line in ["up -t ten", "up -t -1", "up -t 99999999999999999999"] {
            #expect(throws: UsageError.self) { try parsed(line).integer("timeout") }
        }
    }

    @Test func hostileWordsNeverCrash() {
        let pieces = ["-", "--", "=", "f", "up", "no-", "\u{0}", "é", "secret", "exec", "", "--=", "-=", "--no-", "-d=", "h"]
        var state: UInt64 = 1
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0..<20_000 {
            let words = (0..<next(5)).map { _ in (0..<next(4)).map { _ in pieces[next(pieces.count)] }.joined() }
            _ = message(words)
        }
    }
}

@Suite struct HelpTests {
    @Test func aCommandsHelpHasItsSectionsInOrder() {
        #expect(helpText(for: ["up"], in: program) == """
            Usage:  stackup up [OPTIONS] [SERVICE...]

            Computes what has to change and changes it. Services that are as the files say
            are left alone.

            Examples:
              # start everything in the background
              $ stackup up -d

              # start web and what it depends on
              $ stackup up -d web

            Options:
              -d, --detach           Run in the background
              -w, --wait             Wait until services run
                  --[no-]start       Start the services after creating them
              -t, --timeout SECONDS  How long to wait for a service to stop
              -h, --help             Show this help

            Global options:
              -f, --file FILE               Compose configuration files
              -p, --project-name NAME       Project name
                  --ansi auto|never|always  When to colour output

            """)
    }

    @Test func aGroupsHelpShowsTheOuterOptionsThatItTakes() {
        let text = helpText(for: ["secret", "ls"], in: program) ?? ""
        #expect(text.hasSuffix("""

            Global options:
                  --ansi auto|never|always  When to colour output

            """))
    }

    @Test func wordsThatAnOptionTakesAreExplained() {
        #expect(helpText(for: ["secret", "create"], in: program)?.contains("""
            Options:
              -h, --help  Show this help

            Generators:
              password  characters
              uuid      a random UUID
            """) == true)
    }

    @Test func aTextIsFilledWhereverItsSourceWasWrapped() {
        let text = "One two\nthree four five\nsix.\n\nSeven\neight."
        #expect(wrap(text, width: 40) == ["One two three four five six.", "", "Seven eight."])
        #expect(wrap(text, width: 15) == ["One two three", "four five six.", "", "Seven eight."])
    }

    @Test func aGroupsHelpListsItsCommands() {
        let text = helpText(for: ["secret"], in: program)
        #expect(text?.hasPrefix("""
            Usage:  stackup secret [OPTIONS] COMMAND

            Manage secrets.

            Commands:
              create  Create a secret
              ls      List secrets
              rm      Remove secrets
            """) == true)
        #expect(text?.hasSuffix("Run 'stackup secret COMMAND --help' for more about a command.\n") == true)
    }

    @Test func theProgramsHelpListsEverything() {
        let text = helpText(for: [], in: program) ?? ""
        #expect(text.contains("\n  exec     Run a command in a service\n"))
        #expect(text.contains("\nGlobal options:\n"))
        #expect(text.contains("\n  -v, --version"))
        #expect(!text.contains("\nOptions:\n"))
        #expect(helpText(for: ["nowhere"], in: program) == nil)
    }
}

@Suite struct ForeignNameTests {
    @Test func whatAnotherProgramHasIsNamedAndNothingElseIsSuggested() {
        #expect(message(["pu"]) == "'pu' is a command of docker compose that stackup does not have yet")
        #expect(message(["up", "--ansy"]) == "'--ansy' is an option of docker compose that stackup does not have yet")
        #expect(message(["up", "--anso"]) == "unknown option '--anso'; did you mean '--ansi'?")
    }
}

import Terminal

/// What `docker compose` and `docker secret` have and stackup does not have yet: whoever types it is told so, rather than led to
/// something else. README.md, "Not there yet", lists what matters of it.
///
/// Source: the help of docker compose 2.40.3 and of docker secret.
enum ForeignNames {
    /// Subcommands, and options that hold for all of them.
    static let ofProgram = Command.Foreign(
        of: "docker compose",
        [
            "bridge", "build", "commit", "create", "export", "images", "publish", "pull",
            "push", "rm", "volumes", "--all-resources", "--compatibility",
            "--dry-run", "--parallel",
        ])

    /// Options of a subcommand, by its path.
    static func of(_ path: String...) -> Command.Foreign? {
        let names: [String]
        switch path {
        case ["up"]:
            names = [
                "--abort-on-container-exit", "--abort-on-container-failure", "--always-recreate-deps", "--attach", "--attach-dependencies",
                "--exit-code-from", "--menu", "--no-attach", "--no-deps", "--no-recreate", "--no-start", "--renew-anon-volumes",
                "--timestamps", "-V",
            ]
        case ["down"]: names = ["--rmi"]
        case ["scale"]: names = ["--no-deps"]
        case ["ps"]: names = ["--filter", "--orphans", "--status"]
        case ["logs"]: names = ["--index"]
        case ["exec"]: names = ["--detach", "--privileged", "-d"]
        case ["attach"]: names = ["--detach-keys", "--dry-run"]
        case ["watch"], ["port"]: names = ["--dry-run"]
        case ["cp"]: names = ["--all", "--dry-run"]
        case ["run"]:
            names = [
                "--dry-run", "--publish", "--quiet", "--service-ports", "--use-aliases", "-P", "-p", "-q",
            ]
        case ["start"]: names = ["--wait", "--wait-timeout"]
        case ["kill"]: names = ["--remove-orphans"]
        case ["version"]: names = ["--short"]
        case ["secret", "create"]:
            let driver = "name it in the Compose file ('driver:' of a secret); 'up' fetches the value and keeps it in the store"
            return Command.Foreign(
                of: "docker secret", [],
                remedies: [
                    "--driver": driver, "-d": driver,
                    "--template-driver": "fill the template in first: the store keeps a value as it is",
                ])
        default: return nil
        }
        return Command.Foreign(of: "docker compose", names)
    }
}

extension Command {
    /// The command and its subcommands with what is foreign to them.
    func withForeign(_ names: Foreign?) -> Command {
        var command = self
        command.foreign = names
        command.subcommands = subcommands.map { $0.withForeign(ForeignNames.of(name, $0.name)) }
        return command
    }
}

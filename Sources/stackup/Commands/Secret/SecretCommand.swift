import SecretStore
import Terminal

/// `stackup secret`: the store's secrets, with `docker secret`'s habits.
enum SecretCommand {
    static let command = Command(
        "secret", summary: "Manage the store's secrets",
        examples: [.init("stackup secret ls", "list them")], inheritedOptions: CommandTree.withoutProject,
        subcommands: runners.map(\.command))

    /// What its help lists, in the order of a secret's life: each is a file of this folder.
    private static let runners: [(command: Command, run: @Sendable (Invocation) throws -> Int32)] = [
        (SecretCreate.command, SecretCreate.run), (SecretList.command, SecretList.run),
        (SecretInspect.command, SecretInspect.run), (SecretRemove.command, SecretRemove.run),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        guard let name = invocation.arguments.path.last, let runner = runners.first(where: { $0.command.name == name }) else {
            preconditionFailure("the parser takes no other command")
        }
        return try runner.run(invocation)
    }

    /// The secret that a person means by a name or an id.
    static func find(_ reference: String, in snapshot: StoreSnapshot?) throws(CommandFailure) -> SecretMetadata {
        if let secret = snapshot?.secret(reference) ?? snapshot?.secret(id: reference) { return secret }
        throw CommandFailure("no such secret: \(reference)")
    }

    /// Does `body` for each reference; what fails is reported, and the rest still done.
    static func forEach(_ references: [String], _ invocation: Invocation, _ body: (String) throws -> Void) -> Int32 {
        var status: Int32 = 0
        for reference in references {
            do {
                try body(reference)
            } catch {
                invocation.streams.fail("\(error)")
                status = 1
            }
        }
        return status
    }
}

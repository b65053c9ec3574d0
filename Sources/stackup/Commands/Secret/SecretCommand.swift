import Compose
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
        (SecretInspect.command, SecretInspect.run), (SecretHistory.command, SecretHistory.run),
        (SecretUpdate.command, SecretUpdate.run), (SecretRollback.command, SecretRollback.run),
        (SecretRotate.command, SecretRotate.run),
        (SecretSeal.command, SecretSeal.run), (SecretExport.command, SecretExport.run), (SecretPrune.command, SecretPrune.run),
        (SecretRemove.command, SecretRemove.run),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        guard let name = invocation.arguments.path.last, let runner = runners.first(where: { $0.command.name == name }) else {
            preconditionFailure("the parser takes no other command")
        }
        return try runner.run(invocation)
    }

    /// How much of an id is taken for it. Docker takes a single letter: there a mistyped name removes what it was the beginning of.
    private static let shortestID = 4

    /// The secret that a person means: by its name, by its id or the beginning of it, or, in a project's folder, by its key
    /// in the Compose files.
    ///
    /// - Throws: `CommandFailure` where nothing in the store is meant, or more than one secret may be.
    static func find(
        _ reference: String, in snapshot: StoreSnapshot?, _ invocation: Invocation
    ) throws(CommandFailure) -> SecretMetadata {
        if let secret = snapshot?.secret(reference) { return secret }
        var meant = reference.utf8.count < shortestID ? [] : snapshot?.secrets(idPrefix: reference) ?? []
        if let whole = meant.first, whole.id == reference { return whole }
        if let name = storeName(ofKey: reference, invocation), let secret = snapshot?.secret(name), !meant.contains(secret) {
            meant.append(secret)
        }
        switch meant.count {
        case 0: throw CommandFailure.unknown("secret", reference, among: snapshot?.secrets().map(\.name) ?? [])
        case 1: return meant[0]
        default:
            let names = meant.map(\.name).sorted().prefix(3).joined(separator: ", ") + (meant.count > 3 ? ", …" : "")
            throw CommandFailure("'\(reference)' may be any of \(meant.count) secrets: \(names); give the name, or more of the id")
        }
    }

    /// What the store calls the secret that has a key in the Compose files here, if there are any; what is wrong with them is of no
    /// matter to a command on the store.
    private static func storeName(ofKey key: String, _ invocation: Invocation) -> String? {
        Compose.loadProject(invocation.projectOptions(for: .printing)).project?.stack.secret(key)?.storeName
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

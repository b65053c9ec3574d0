import Compose
import SecretStore
import Terminal

/// `stackup secret`: the store's secrets, with `docker secret`'s habits.
enum SecretCommand {
    static let command = Command(
        "secret", summary: "Manage the store's secrets",
        discussion: """
            A secret is named as the store has it, or by its id; in a project's folder its key in the Compose files will do. Elsewhere, say before \
            the command which project it is, with -f, -p, --project-directory or --env-file.
            """,
        examples: [
            .init("stackup secret ls", "list them"),
            .init("stackup -f /srv/shop/compose.yaml secret history db_password", "by the key of a project that is elsewhere"),
        ], inheritedOptions: CommandTree.withoutProject, leadingOptions: CommandTree.ofKeys,
        subcommands: runners.map(\.command), suggestions: ["show": reading, "get": reading, "cat": reading, "read": reading])

    private static let reading = "'inspect' shows what is known of a secret, and 'export' writes its value"

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
        let stack = Compose.loadProject(invocation.projectOptions(for: .printing)).project?.stack
        if let name = storeName(ofKey: reference, stack, invocation), let secret = snapshot?.secret(name), !meant.contains(secret) {
            meant.append(secret)
        }
        switch meant.count {
        case 0: throw missing(reference, among: snapshot?.secrets().map(\.name) ?? [], stack)
        case 1: return meant[0]
        default:
            let names = meant.map(\.name).sorted().prefix(3).joined(separator: ", ") + (meant.count > 3 ? ", …" : "")
            throw CommandFailure("'\(reference)' may be any of \(meant.count) secrets: \(names); give the name, or more of the id")
        }
    }

    /// What the store calls the secret that has a key in a project.
    ///
    /// - Parameter stack: that of the Compose files here, if there are any; what is wrong with them is of no matter to a command on the store.
    private static func storeName(ofKey key: String, _ stack: Stack?, _ invocation: Invocation) -> String? {
        if let stack { return stack.secret(key)?.storeName }
        // From anywhere: what a project's secret is called unless its files say otherwise.
        return invocation.value("project-name").map { "\($0)_\(key)" }
    }

    /// Nothing has that name; what comes nearest is said.
    private static func missing(_ reference: String, among names: [String], _ stack: Stack?) -> CommandFailure {
        if let declaration = stack?.secret(reference) {
            let remedy = declaration.source == .external
                ? "create it with: stackup secret create \(declaration.storeName) FILE" : "'stackup up -d' stores it"
            return CommandFailure("no such secret: \(reference); the store has no '\(declaration.storeName)' yet: \(remedy)")
        }
        // Who is not in the project's folder may give its key.
        let suffixed = names.filter { $0.hasSuffix("_" + reference) }.sorted()
        if let name = suffixed.first {
            return CommandFailure(
                "no such secret: \(reference); did you mean \(suffixed.count == 1 ? "'\(name)'" : "one of \(suffixed.prefix(3).joined(separator: ", "))")?")
        }
        let failure = CommandFailure.unknown("secret", reference, among: names + (stack?.secrets.map(\.key) ?? []))
        return failure.description.hasSuffix("?") ? failure : CommandFailure(failure.description + "; 'stackup secret ls' lists them")
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

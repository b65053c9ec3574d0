import Glibc
import JSON
import Linux
import Runner
import SecretStore
import Terminal

/// `stackup secret`: the store's secrets, with `docker secret`'s habits.
enum SecretCommand {
    static let command = Command(
        "secret", summary: "Manage the store's secrets",
        examples: [.init("stackup secret ls", "list them")], inheritedOptions: CommandTree.withoutProject,
        subcommands: [SecretCreate.command, SecretList.command, SecretInspect.command, SecretRemove.command])

    static func run(_ invocation: Invocation) throws -> Int32 {
        switch invocation.arguments.path.last {
        case SecretCreate.command.name: try SecretCreate.run(invocation)
        case SecretList.command.name: try SecretList.run(invocation)
        case SecretInspect.command.name: try SecretInspect.run(invocation)
        default: try SecretRemove.run(invocation)
        }
    }
}

/// `stackup secret create NAME FILE|-`.
enum SecretCreate {
    static let command = Command(
        "create", summary: "Create a secret from a file or standard input",
        discussion: "Prints the new secret's id. A service is granted it by 'external: true' in the Compose file.",
        examples: [
            .init("stackup secret create db_password ./db_password.txt", "from a file"),
            .init("openssl rand -base64 32 | stackup secret create db_password -", "from a program, never on the disk"),
        ],
        options: [.repeated("label", short: "l", "KEY=VALUE", help: "A label")],
        arguments: [.init("NAME"), .init("FILE|-")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.operands[0], source = invocation.operands[1]
        let labels = try labels(invocation)
        if let problem = secretNameProblem(name) { throw CommandFailure(problem) }
        let value = source == "-" ? try SecretSourceReader.standardInput() : try SecretSourceReader.file(source)
        let store = try SecretStore.openOrCreate(invocation.paths.store)
        var changes = StoreChanges()
        changes.createSecret(
            name, labels: labels,
            source: source == "-" ? "standard input" : "file \(Paths.join(invocation.workingDirectory, source))",
            value: value)
        let snapshot = try store.commit(changes)
        invocation.streams.print(snapshot.secret(name)?.id ?? "")
        return 0
    }

    private static func labels(_ invocation: Invocation) throws(UsageError) -> [String: String] {
        var labels: [String: String] = [:]
        for label in invocation.values("label") {
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard !parts[0].isEmpty else {
                throw invocation.arguments.usageError("label '\(label)' has no key", remedy: "write KEY=VALUE")
            }
            labels[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        return labels
    }
}

/// `stackup secret ls`.
enum SecretList {
    static let command = Command(
        "ls", summary: "List secrets", aliases: ["list"],
        examples: [.init("stackup secret ls -q", "only ids"), .init("stackup secret ls --format json", "for tools")],
        options: [
            .flag("quiet", short: "q", help: "Only ids"),
            .choice("format", ["table", "json"], help: "How to print it (default table)"),
        ])

    /// As Docker writes them on one line.
    private static func labelText(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    static func run(_ invocation: Invocation) throws -> Int32 {
        let secrets = try SecretStore.open(invocation.paths.store)?.snapshot().secrets() ?? []
        let now = Int64(time(nil))
        func ago(_ moment: Int64) -> String { humanAge(of: moment, at: now) }
        if invocation.flag("quiet") {
            for secret in secrets { invocation.streams.print(secret.id) }
        } else if invocation.wantsJSON {
            let documents = secrets.map { secret in
                JSONValue.object([
                    .init("CreatedAt", .string(ago(secret.createdAt))), .init("Driver", .string("")),
                    .init("ID", .string(secret.id)),
                    .init("Labels", .string(labelText(secret.labels))),
                    .init("Name", .string(secret.name)), .init("UpdatedAt", .string(ago(secret.updatedAt))),
                    .init("Version", .integer(Int64(secret.newest.number))),
                ])
            }
            invocation.streams.print(JSONValue.array(documents).serialized(pretty: true))
        } else {
            invocation.streams.print(renderTable(
                header: ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"],
                rows: secrets.map { [$0.id, $0.name, "", ago($0.createdAt), ago($0.updatedAt)] }), terminator: "")
        }
        return 0
    }
}

/// The secret that a person means: a name, an id, or an id's unmistakable beginning, as in Docker.
private func find(_ reference: String, in snapshot: StoreSnapshot?) throws(CommandFailure) -> SecretMetadata {
    if let secret = snapshot?.secret(reference) ?? snapshot?.secret(id: reference) { return secret }
    throw CommandFailure("no such secret: \(reference)")
}

/// Does `body` for each name; what fails is reported, and the rest still done.
private func forEach(
    _ references: [String], _ invocation: Invocation, _ body: (String) throws -> Void
) -> Int32 {
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

/// `stackup secret inspect NAME…`.
enum SecretInspect {
    static let command = Command(
        "inspect", summary: "Show what is known of secrets; never their values",
        examples: [.init("stackup secret inspect db_password", "as JSON")], arguments: [.init("NAME", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let snapshot = try SecretStore.open(invocation.paths.store)?.snapshot()
        var documents: [JSONValue] = []
        let status = forEach(invocation.operands, invocation) { documents.append(document(try find($0, in: snapshot))) }
        invocation.streams.print(JSONValue.array(documents).serialized(pretty: true))
        return status
    }

    /// RFC 3339, as Docker has it.
    private static func timestamp(_ seconds: Int64) -> String {
        LogTime(nanoseconds: seconds * 1_000_000_000).description
    }

    /// Docker's members, with the versions and the source.
    private static func document(_ secret: SecretMetadata) -> JSONValue {
        let labels = secret.labels.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
        let versions = secret.versions.map { version in
            JSONValue.object([
                .init("Version", .integer(Int64(version.number))), .init("CreatedAt", .string(timestamp(version.createdAt))),
                .init("Size", .integer(Int64(version.size))), .init("Fingerprint", .string(version.fingerprint)),
            ])
        }
        return .object([
            .init("ID", .string(secret.id)),
            .init("Version", .object([.init("Index", .integer(Int64(secret.newest.number)))])),
            .init("CreatedAt", .string(timestamp(secret.createdAt))),
            .init("UpdatedAt", .string(timestamp(secret.updatedAt))),
            .init("Spec", .object([.init("Name", .string(secret.name)), .init("Labels", .object(labels))])),
            .init("Source", .string(secret.source)),
            .init("Versions", .array(versions)),
        ])
    }
}

/// `stackup secret rm NAME…`.
enum SecretRemove {
    static let command = Command(
        "rm", summary: "Remove secrets from the store",
        discussion: "A secret that a running stack has a grant on stays; the message says which.", aliases: ["remove"],
        examples: [.init("stackup secret rm db_password", "all its versions")], arguments: [.init("NAME", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let store = try SecretStore.open(invocation.paths.store)
        let users = try runningGrants(store, invocation)
        return forEach(invocation.operands, invocation) { reference in
            guard let store else { throw CommandFailure("no such secret: \(reference)") }
            let secret = try find(reference, in: try store.snapshot())
            if let services = users[secret.name] {
                throw CommandFailure(
                    "secret '\(secret.name)' is in use by \(services.joined(separator: ", ")); take the grant away or stop the stack first")
            }
            var changes = StoreChanges()
            changes.removeSecret(secret.name)
            try store.commit(changes)
            invocation.streams.print(reference)
        }
    }

    /// The services of running stacks that have a secret mounted, by the secret's name.
    private static func runningGrants(_ store: SecretStore?, _ invocation: Invocation) throws -> [String: [String]] {
        var users: [String: [String]] = [:]
        for stack in try store?.snapshot().stackNames ?? [] {
            let session = try StackSession(stack, invocation, for: .reading)
            for mount in try session.observe().mounts {
                for file in mount.files where file.kind == .secret {
                    users[file.name, default: []].append("\(stack)/\(mount.service)")
                }
            }
        }
        return users
    }
}

import Linux
import SecretStore
import Terminal

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
        let store = try invocation.openOrCreateStore()
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

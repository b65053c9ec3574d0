import Linux
import SecretStore
import Terminal

/// `stackup secret create NAME FILE|-`.
enum SecretCreate {
    static let command = Command(
        "create", summary: "Create a secret from a file, standard input or a generator",
        discussion: "Prints the new secret's id. A service is granted it by 'external: true' in the Compose file.",
        examples: [
            .init("stackup secret create db_password ./db_password.txt", "from a file"),
            .init("pass show db | head -n 1 | stackup secret create db_password -", "from a program, never on the disk"),
            .init("stackup secret create --generate password:40 db_password", "made by stackup, never seen by anybody"),
        ],
        options: [
            .value("generate", "SPEC", help: "Make the value: see the generators below"),
            .repeated("label", short: "l", "KEY=VALUE", help: "A label"),
        ],
        inheritedOptions: CommandTree.withoutProject, arguments: [.init("NAME"), .init("FILE|-", .atMostOne)], glossary: GeneratedValue.glossary)

    static func run(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.operands[0]
        let origin = try origin(invocation)
        let labels = try labels(invocation)
        if let problem = secretNameProblem(name) { throw CommandFailure(problem) }
        let value =
            switch origin {
            case .standardInput: try SecretSourceReader.standardInput()
            case .file(let path): try SecretSourceReader.file(path)
            case .generator(let spec): try GeneratedValue.make(spec, for: name, invocation)
            }
        let store = try invocation.openOrCreateStore()
        var changes = StoreChanges()
        changes.createSecret(name, labels: labels, source: origin.text(invocation), value: value)
        let snapshot = try store.commit(changes)
        invocation.streams.print(snapshot.secret(name)?.id ?? "")
        return 0
    }

    /// Where the value comes from.
    private enum Origin {
        case standardInput
        case file(String)
        case generator(String)

        /// For people.
        func text(_ invocation: Invocation) -> String {
            switch self {
            case .standardInput: "standard input"
            case .file(let path): "file \(Paths.join(invocation.workingDirectory, path))"
            case .generator(let spec): "generated \(spec)"
            }
        }
    }

    private static func origin(_ invocation: Invocation) throws(UsageError) -> Origin {
        switch (invocation.value("generate"), invocation.operands.dropFirst().first) {
        case (let spec?, nil):
            try GeneratedValue.check(spec, invocation)
            return .generator(spec)
        case (nil, "-"): return .standardInput
        case (nil, let path?): return .file(path)
        case (_?, let path?):
            throw invocation.arguments.usageError("there are two sources, '--generate' and '\(path)'", remedy: "leave one of them out")
        case (nil, nil):
            throw invocation.arguments.usageError("there is no source", remedy: "name a file, '-' for standard input, or --generate SPEC")
        }
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

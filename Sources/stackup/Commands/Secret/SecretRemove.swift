import SecretStore
import Terminal

/// `stackup secret rm NAME…`.
enum SecretRemove {
    static let command = Command(
        "rm", summary: "Remove secrets from the store",
        discussion: """
            A secret that a running stack has a grant on stays; the message says which. So does a sealed one without --force: the store is \
            the only place of its value, which 'secret export' gives back.
            """,
        aliases: ["remove"],
        examples: [
            .init("stackup secret rm db_password", "all its versions"),
            .init("stackup secret rm --force old_password", "also if its file was sealed"),
        ],
        options: [.flag("force", help: "Also a sealed secret, of which nothing is left then")], arguments: [.init("NAME", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let store = try invocation.openStore()
        let users = try SecretUsers(store, invocation)
        return SecretCommand.forEach(invocation.operands, invocation) { reference in
            let secret = try SecretCommand.find(reference, in: try store?.snapshot(), invocation)
            guard let store else { throw StoreError.noSuchSecret(secret.name) }
            let services = users.services(using: secret.name)
            if !services.isEmpty {
                throw CommandFailure(
                    "secret '\(secret.name)' is in use by \(services.joined(separator: ", ")); take the grant away or stop the stack first")
            }
            var changes = StoreChanges()
            changes.removeSecret(secret.name, evenIfSealed: invocation.flag("force"))
            try store.commit(changes)
            invocation.streams.print(reference)
        }
    }
}

import SecretStore
import Terminal

/// `stackup secret rollback NAME [VERSION]`.
enum SecretRollback {
    static let command = Command(
        "rollback", summary: "Make an earlier value of a secret the newest one",
        discussion: """
            The value becomes a new version, so that nothing is lost and the history tells what happened. It is put in place at once, \
            as by 'secret update'. Without a version, it is the one before the newest.
            """,
        examples: [
            .init("stackup secret rollback db_password", "back to the value before"),
            .init("stackup secret rollback db_password 3", "back to the value of version 3"),
        ], arguments: [.init("NAME"), .init("VERSION", .atMostOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let store = try invocation.openStore()
        let secret = try SecretCommand.find(invocation.operands[0], in: try store?.snapshot(), invocation)
        guard let store else { throw StoreError.noSuchSecret(secret.name) }
        let version = try version(of: secret, invocation)
        if version.number == secret.newest.number {
            throw CommandFailure("version \(version.number) of '\(secret.name)' is the newest already; there is nothing to bring back")
        }
        var delivery = SecretDelivery(store, invocation)
        let isNew = delivery.update(
            secret, to: try store.read(secret.name, version: version.number), from: "version \(version.number)", as: .rolledBack)
        let status = try delivery.deliver(reporting: [secret.name], invocation)
        if !isNew {
            invocation.streams.note("secret '\(secret.name)' has the value of version \(version.number) already")
        }
        return status
    }

    private static func version(of secret: SecretMetadata, _ invocation: Invocation) throws -> SecretVersion {
        guard invocation.operands.count > 1 else {
            guard secret.versions.count > 1 else {
                throw CommandFailure("secret '\(secret.name)' has one version only; there is none to go back to")
            }
            return secret.versions[secret.versions.count - 2]
        }
        let text = invocation.operands[1]
        guard let number = Int(text), number > 0 else {
            throw invocation.arguments.usageError("'\(text)' is not a version's number", remedy: "'stackup secret history' lists them")
        }
        guard let version = secret.version(number) else {
            throw CommandFailure(
                "secret '\(secret.name)' has no version \(number); it has \(secret.versions.map { String($0.number) }.joined(separator: ", "))")
        }
        return version
    }
}

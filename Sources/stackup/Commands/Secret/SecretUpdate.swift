import Linux
import SecretMemory
import SecretStore
import Terminal

/// `stackup secret update NAME FILE|-`.
enum SecretUpdate {
    static let command = Command(
        "update", summary: "Give a secret a new value, in every running service at once",
        discussion: """
            Stores a new version and puts it in place in every service of every running stack that has a grant on the secret: no \
            restart, no Compose file needed. Then each service is told as its on-secret-change says. The versions before \
            stay; 'secret rollback' brings one back. A value that is the newest already makes no version; it is put in place where \
            it is not yet.
            """,
        examples: [
            .init("stackup secret update db_password ./new.txt", "from a file"),
            .init("openssl rand -base64 32 | stackup secret update db_password -", "from a program, never on the disk"),
        ], arguments: [.init("NAME"), .init("FILE|-")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let source = invocation.operands[1]
        let value = source == "-" ? try SecretSourceReader.standardInput() : try SecretSourceReader.file(source)
        let store = try invocation.openStore()
        let secret = try SecretCommand.find(invocation.operands[0], in: try store?.snapshot(), invocation)
        guard let store else { throw StoreError.noSuchSecret(secret.name) }
        var delivery = SecretDelivery(store, invocation)
        let isNew = delivery.update(
            secret, to: value, from: source == "-" ? "standard input" : "file \(Paths.join(invocation.workingDirectory, source))")
        let status = try delivery.deliver(reporting: [secret.name], invocation)
        if !isNew { invocation.streams.note("secret '\(secret.name)' has this value already") }
        if isNew, !secret.isSealed {
            warnOfSources(try RecordedOrigin.all(of: secret.name, in: store), of: secret.name, invocation)
        }
        return status
    }
}

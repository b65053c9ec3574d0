import Glibc
import Linux
import Runner
import SecretStore
import Terminal

/// `stackup secret history NAME`.
enum SecretHistory {
    static let command = Command(
        "history", summary: "Show the versions of a secret; never their values",
        discussion: """
            The newest version comes first, with where its value came from, who stored it, and the running services that hold it. \
            Versions with equal fingerprints have equal values; without the store's key a fingerprint says nothing.
            """,
        examples: [
            .init("stackup secret history db_password", "as a table"),
            .init("stackup secret history --format json db_password", "for tools, with the files that hold each version"),
        ],
        options: [.value("format", "FORMAT", help: ListFormat.help)], arguments: [.init("NAME")])

    private static let columns: [ListFormat.Column] = [
        .init("Version"), .init("CreatedAt", header: "CREATED"), .init("Source"), .init("Fingerprint"), .init("Size"),
        .init("UID", header: "UID"), .init("User"), .init("UsedBy"),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let store = try invocation.openStore()
        let secret = try SecretCommand.find(invocation.operands[0], in: try store?.snapshot(), invocation)
        let users = try SecretUsers(store, invocation)
        try invocation.print(
            secret.versions.reversed().map { row($0, users.grants(on: secret.name, version: $0)) },
            header: ["VERSION", "CREATED", "SOURCE", "FINGERPRINT", "SIZE", "BY", "USED BY"], as: format, json: .array)
        return 0
    }

    private static func row(_ version: SecretVersion, _ grants: [SecretUsers.Grant]) -> ListFormat.Row {
        let user = version.uid.flatMap { UserDatabase.host.entry(uid: $0)?.name }
        // `root (0)`
        let author = version.uid.map { uid in user.map { "\($0) (\(uid))" } ?? String(uid) } ?? "-"
        let services = grants.map(\.service).withoutRepeats().joined(separator: ", ")
        let cells = [
            String(version.number), humanAge(of: version.createdAt, at: Int64(time(nil))), version.source, version.fingerprint,
            humanSize(bytes: Int64(version.size)), author, services.isEmpty ? "-" : services,
        ]
        return ListFormat.Row(
            cells: cells.map { sanitizedForTerminal($0) },
            document: .record([
                .init("Version", .integer(Int64(version.number))),
                .init("CreatedAt", .string(LogTime(nanoseconds: version.createdAt * 1_000_000_000).description)),
                .init("Source", .string(version.source)), .init("Fingerprint", .string(version.fingerprint)),
                .init("Size", .integer(Int64(version.size))), .init("UID", version.uid.map { .integer(Int64($0)) } ?? .null),
                .init("User", user.map { .string($0) } ?? .null),
                .init(
                    "UsedBy",
                    .list(grants.map { .record([.init("Service", .string($0.service)), .init("Target", .string($0.target))]) })),
            ]))
    }
}

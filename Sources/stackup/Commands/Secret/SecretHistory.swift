import Glibc
import JSON
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
        options: [.choice("format", ["table", "json"], help: "How to print it (default table)")], arguments: [.init("NAME")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let store = try invocation.openStore()
        let secret = try SecretCommand.find(invocation.operands[0], in: try store?.snapshot(), invocation)
        let users = try SecretUsers(store, invocation)
        let rows = secret.versions.reversed().map { Row(version: $0, grants: users.grants(on: secret.name, version: $0.number)) }
        if invocation.wantsJSON {
            invocation.streams.print(JSONValue.array(rows.map(\.document)).serialized(pretty: true))
        } else {
            invocation.streams.print(
                renderTable(
                    header: ["VERSION", "CREATED", "SOURCE", "FINGERPRINT", "SIZE", "BY", "USED BY"], rows: rows.map(\.cells)),
                terminator: "")
        }
        return 0
    }

    private struct Row {
        let version: SecretVersion
        let grants: [SecretUsers.Grant]

        private var user: String? {
            version.uid.flatMap { UserDatabase.host.entry(uid: $0)?.name }
        }

        /// `root (0)`
        private var author: String {
            guard let uid = version.uid else { return "-" }
            return user.map { "\($0) (\(uid))" } ?? String(uid)
        }

        var cells: [String] {
            let services = grants.map(\.service).withoutRepeats()
            return [
                String(version.number), humanAge(of: version.createdAt, at: Int64(time(nil))), version.source, version.fingerprint,
                "\(version.size) B", author, services.isEmpty ? "-" : services.joined(separator: ", "),
            ].map { sanitizedForTerminal($0) }
        }

        var document: JSONValue {
            .object([
                .init("Version", .integer(Int64(version.number))),
                .init("CreatedAt", .string(LogTime(nanoseconds: version.createdAt * 1_000_000_000).description)),
                .init("Source", .string(version.source)), .init("Fingerprint", .string(version.fingerprint)),
                .init("Size", .integer(Int64(version.size))), .init("UID", version.uid.map { .integer(Int64($0)) } ?? .null),
                .init("User", user.map { .string($0) } ?? .null),
                .init(
                    "UsedBy",
                    .array(grants.map { .object([.init("Service", .string($0.service)), .init("Target", .string($0.target))]) })),
            ])
        }
    }
}

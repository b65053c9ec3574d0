import Glibc
import JSON
import SecretStore
import Terminal

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

import JSON
import Runner
import SecretStore
import Terminal

/// `stackup secret inspect NAME…`.
enum SecretInspect {
    static let command = Command(
        "inspect", summary: "Show what is known of secrets; never their values",
        examples: [.init("stackup secret inspect db_password", "as JSON")], arguments: [.init("NAME", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let snapshot = try SecretStore.open(invocation.paths.store)?.snapshot()
        var documents: [JSONValue] = []
        let status = SecretCommand.forEach(invocation.operands, invocation) { reference in
            documents.append(document(try SecretCommand.find(reference, in: snapshot, invocation)))
        }
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

import JSON
import SecretStore
import Terminal

/// `stackup secret inspect NAME…`.
enum SecretInspect {
    static let command = Command(
        "inspect", summary: "Show what is known of secrets; never their values",
        examples: [
            .init("stackup secret inspect db_password", "as JSON"),
            .init("stackup secret inspect --pretty db_password", "for people"),
            .init(#"stackup secret inspect --format '{{.ID}} {{index .Spec.Labels "stage"}}' db_password"#, "a part of it"),
        ],
        options: [
            .value("format", short: "f", "FORMAT", help: "How to print it: 'json' for one line, or a Go template for each secret"),
            .flag("pretty", help: "Print it for people"),
        ],
        arguments: [.init("NAME", .atLeastOne)])

    private enum Format {
        case indented, compact, pretty
        case template(OutputTemplate)
    }

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try format(invocation)
        let store = try invocation.openStore()
        let snapshot = try store?.snapshot()
        var secrets: [SecretMetadata] = []
        let status = SecretCommand.forEach(invocation.operands, invocation) { reference in
            secrets.append(try SecretCommand.find(reference, in: snapshot, invocation))
        }
        let streams = invocation.streams
        switch format {
        case .indented: streams.print(JSONValue.array(secrets.map { $0.document(in: store).json }).serialized(pretty: true))
        case .compact: streams.print(JSONValue.array(secrets.map { $0.document(in: store).json }).serialized())
        case .pretty: for secret in secrets { streams.print(secret.prettyText(in: store), terminator: "") }
        case .template(let template):
            for secret in secrets { streams.print(try invocation.rendered(template, secret.document(in: store))) }
        }
        return status
    }

    private static func format(_ invocation: Invocation) throws(UsageError) -> Format {
        if invocation.flag("pretty") { return .pretty }
        switch invocation.value("format") {
        case nil, "": return .indented
        case "json": return .compact
        case "pretty": return .pretty
        case let text?: return .template(try invocation.template(text, example: "{{.ID}}"))
        }
    }
}

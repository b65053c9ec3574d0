import Glibc
import SecretStore
import Terminal

/// `stackup secret ls`.
enum SecretList {
    static let command = Command(
        "ls", summary: "List secrets",
        discussion: """
            Sorted by name. Filters: 'name=' and 'id=' take the beginning of a name (in any case) or of an id, and list what any of
            them finds; 'label=KEY' and 'label=KEY=VALUE' must all hold.
            """,
        aliases: ["list"],
        examples: [
            .init("stackup secret ls -q", "only ids"),
            .init("stackup secret ls --filter label=stage=production --filter name=db_", "some of them"),
            .init(#"stackup secret ls --format 'table {{.Name}}\t{{.Label "stage"}}\t{{.UpdatedAt}}'"#, "columns of one's own"),
            .init("stackup secret ls --format json", "for tools: an object a line"),
        ],
        options: [
            .repeated("filter", short: "f", "KEY=VALUE", help: "Only those that match"),
            .value("format", "FORMAT", help: ListFormat.help),
            .flag("quiet", short: "q", help: "Only ids"),
        ], inheritedOptions: CommandTree.withoutProject)

    /// Docker's, and what the store knows beyond them.
    private static let columns: [ListFormat.Column] = [
        .init("CreatedAt", header: "CREATED"), .init("Driver"), .init("Failure"), .init("ID"), .init("Label", isLookup: true), .init("Labels"),
        .init("Name"), .init("Sealed"), .init("Source"), .init("UpdatedAt", header: "UPDATED"), .init("Version"),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let filter = try SecretFilter(invocation.values("filter"), invocation)
        let store = try invocation.openStore()
        let secrets = (try store?.snapshot().secrets() ?? [])
            .filter(filter.matches)
            .sorted { naturallyPrecedes($0.name, $1.name) }
        if invocation.flag("quiet"), format.isTable {
            for secret in secrets { invocation.streams.print(secret.id) }
            return 0
        }
        let now = Int64(time(nil))
        try invocation.print(
            secrets.map { row($0, driver: $0.driver(in: store) ?? "", now) }, header: ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"], as: format, json: .lines)
        if format.isTable, let store {
            for secret in secrets {
                guard let failure = secret.failureText(at: now), try isInUse(secret.name, store, invocation) else { continue }
                invocation.streams.warn(failure)
            }
        }
        return 0
    }

    /// Whether a stack has a secret that isn't down: for one that is, the next `up` asks again.
    private static func isInUse(_ name: String, _ store: SecretStore, _ invocation: Invocation) throws -> Bool {
        try RecordedOrigin.all(of: name, in: store).contains {
            access(invocation.paths.directories(of: $0.stack).runtime, F_OK) == 0
        }
    }

    private static func row(_ secret: SecretMetadata, driver: String, _ now: Int64) -> ListFormat.Row {
        let created = humanAge(of: secret.createdAt, at: now), updated = humanAge(of: secret.updatedAt, at: now)
        let labels = secret.labels
        return ListFormat.Row(
            cells: [secret.id, secret.name, driver, created, updated],
            document: .record([
                .init("CreatedAt", .string(created)),
                .init("Driver", .string(driver)),
                .init("Failure", .string(secret.failure?.reason ?? "")),
                .init("ID", .string(secret.id)),
                .init("Label", .lookup { labels[$0] ?? "" }),
                .init("Labels", .string(labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))),
                .init("Name", .string(secret.name)),
                .init("Sealed", .bool(secret.isSealed)),
                .init("Source", .string(secret.source)),
                .init("UpdatedAt", .string(updated)),
                .init("Version", .integer(Int64(secret.newest.number))),
            ]))
    }
}

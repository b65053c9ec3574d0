import Glibc
import Linux
import Runner
import SecretStore
import Terminal
import Words

/// `stackup store log`.
enum StoreLog {
    static let command = Command(
        "log", summary: "Show what was done with secrets, by whom and when",
        discussion: """
            Oldest first. Each entry is sealed, and holds the hash of the one before; the newest one's is kept beside the key file as well. The log is shown only
            where none is missing or changed. An entry that announces something which a crash kept from happening is marked as not done.
            """,
        examples: [
            .init("stackup store log --secret db_password", "the life of a secret"),
            .init("stackup store log --stack shop --since 24h", "what a stack did in a day"),
            .init("stackup store log -n 20 --format json", "the newest twenty, for tools: an object a line"),
            .init("stackup store log --format '{{.Time}} {{.Event}} {{.Secret}}'", "in a form of one's own"),
        ],
        options: [
            .value("secret", "SECRET", help: "Only entries about this secret"),
            .value("stack", "STACK", help: "Only entries about this stack"),
            .value("since", "TIME", help: "Only what is newer: 2026-01-31, 2026-01-31T10:00:00, or 10m for ten minutes ago"),
            .value("tail", short: "n", "N", help: "Only the newest N"),
            .value("format", "FORMAT", help: ListFormat.help),
        ], inheritedOptions: CommandTree.withoutProject, leadingOptions: CommandTree.ofKeys)

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let since = try invocation.moment("since").map { $0.nanoseconds / 1_000_000 }
        let newest = try invocation.arguments.integer("tail")
        let store = try StoreCommand.open(invocation)
        let entries = try store.log()
        let secret = try invocation.value("secret").map { try name($0, in: entries.map(\.event), of: store, invocation) }
        let stack = invocation.value("stack")
        if let stack { try check(stack, in: entries.map(\.event), of: store) }
        let all = entries.filter { entry in
            (secret ?? entry.event.secret) == entry.event.secret && (stack ?? entry.event.stack) == entry.event.stack
                && entry.time >= since ?? .min
        }
        let rows = all.suffix(newest ?? all.count).map { entry in
            let event = entry.event
            let user = who(entry.uid, entry.loginUID)
            return ListFormat.Row(
                cells: [
                    time(entry.time), user, event.kind.rawValue + (entry.isDone ? "" : " (not done)"),
                    event.secret.isEmpty ? "-" : event.secret + (event.version.map { " \($0)" } ?? ""),
                    event.stack.isEmpty ? "-" : event.stack, event.detail,
                ],
                document: .record([
                    .init("Sequence", .integer(Int64(clamping: entry.sequence))), .init("Time", .string(time(entry.time))),
                    .init("UID", .integer(Int64(entry.uid))), .init("LoginUID", entry.loginUID.map { .integer(Int64($0)) } ?? .null),
                    .init("User", .string(user)), .init("Event", .string(event.kind.rawValue)), .init("Secret", .string(event.secret)),
                    .init("Version", event.version.map { .integer(Int64($0)) } ?? .null), .init("Stack", .string(event.stack)),
                    .init("Detail", .string(event.detail)), .init("Done", .bool(entry.isDone)),
                ]))
        }
        try invocation.print(
            rows, header: ["TIME", "USER", "EVENT", "SECRET", "STACK", "DETAIL"], as: format, json: .lines)
        return 0
    }

    private static let columns: [ListFormat.Column] = [
        "Sequence", "Time", "UID", "LoginUID", "User", "Event", "Secret", "Version", "Stack", "Detail", "Done",
    ].map { .init($0) }

    /// The secret's name in the store; one that was removed is found by its name in the log.
    private static func name(
        _ reference: String, in events: [AuditEvent], of store: SecretStore, _ invocation: Invocation
    ) throws -> String {
        do {
            return try SecretCommand.find(reference, in: try store.snapshot(), invocation).name
        } catch {
            guard events.contains(where: { $0.secret == reference }) else { throw error }
            return reference
        }
    }

    private static func check(_ stack: String, in events: [AuditEvent], of store: SecretStore) throws {
        let known = Set(events.map(\.stack) + (try store.snapshot().stackNames)).subtracting([""])
        guard known.contains(stack) else { throw CommandFailure.unknown("stack", stack, among: known) }
    }

    /// With all three digits of the milliseconds: a column of times is read more easily when they are all of one width.
    private static func time(_ milliseconds: Int64) -> String {
        let text = LogTime(nanoseconds: milliseconds * 1_000_000).description.dropLast()
        let fraction = text.split(separator: ".").dropFirst().first ?? ""
        return text + (fraction.isEmpty ? "." : "") + String(repeating: "0", count: 3 - fraction.count) + "Z"
    }

    /// The user, and who had logged in where that is another one: `root (anna)`.
    private static func who(_ uid: UInt32, _ loginUID: UInt32?) -> String {
        func name(_ uid: UInt32) -> String { UserDatabase.host.entry(uid: uid)?.name ?? String(uid) }
        guard let loginUID, loginUID != uid else { return name(uid) }
        return "\(name(uid)) (\(name(loginUID)))"
    }
}

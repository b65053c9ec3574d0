import Glibc
import JSON
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
        ],
        options: [
            .value("secret", "SECRET", help: "Only entries about this secret"),
            .value("stack", "STACK", help: "Only entries about this stack"),
            .value("since", "TIME", help: "Only what is newer: 2026-01-31, 2026-01-31T10:00:00, or 10m for ten minutes ago"),
            .value("tail", short: "n", "N", help: "Only the newest N"),
            .choice("format", ["table", "json"], help: "How to print it (default table)"),
        ])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let since = try invocation.moment("since").map { $0.nanoseconds / 1_000_000 }
        let newest = try invocation.arguments.integer("tail")
        let store = try StoreCommand.open(invocation)
        let secret = invocation.value("secret").map { reference in
            // One that was removed is found by its name.
            (try? SecretCommand.find(reference, in: store.snapshot(), invocation).name) ?? reference
        }
        let stack = invocation.value("stack")
        let all = try store.log().filter { entry in
            (secret ?? entry.event.secret) == entry.event.secret && (stack ?? entry.event.stack) == entry.event.stack
                && entry.time >= since ?? .min
        }
        let entries = all.suffix(newest ?? all.count)
        if invocation.wantsJSON {
            for entry in entries {
                let members: [JSONValue.Member] = [
                    .init("sequence", JSONValue(entry.sequence)), .init("time", .string(time(entry.time))), .init("uid", .integer(Int64(entry.uid))),
                    .init("loginUID", entry.loginUID.map { .integer(Int64($0)) } ?? .null), .init("event", .string(entry.event.kind.rawValue)),
                    .init("secret", .string(entry.event.secret)), .init("version", entry.event.version.map { .integer(Int64($0)) } ?? .null),
                    .init("stack", .string(entry.event.stack)), .init("detail", .string(entry.event.detail)), .init("done", .bool(entry.isDone)),
                ]
                invocation.streams.print(JSONValue.object(members).serialized())
            }
        } else {
            let rows = entries.map { entry in
                let event = entry.event
                return [
                    time(entry.time), who(entry.uid, entry.loginUID), event.kind.rawValue + (entry.isDone ? "" : " (not done)"),
                    event.secret.isEmpty ? "-" : event.secret + (event.version.map { " \($0)" } ?? ""), event.stack.isEmpty ? "-" : event.stack,
                    event.detail,
                ]
            }
            invocation.streams.print(
                renderTable(header: ["TIME", "USER", "EVENT", "SECRET", "STACK", "DETAIL"], rows: rows), terminator: "")
        }
        return 0
    }

    private static func time(_ milliseconds: Int64) -> String { LogTime(nanoseconds: milliseconds * 1_000_000).description }

    /// The user, and who had logged in where that is another one: `root (anna)`.
    private static func who(_ uid: UInt32, _ loginUID: UInt32?) -> String {
        func name(_ uid: UInt32) -> String { UserDatabase.host.entry(uid: uid)?.name ?? String(uid) }
        guard let loginUID, loginUID != uid else { return name(uid) }
        return "\(name(uid)) (\(name(loginUID)))"
    }
}

import JSON
import SecretStore
import Terminal

/// `stackup store verify`.
enum StoreVerify {
    static let command = Command(
        "verify", summary: "Check every file of the store",
        discussion: """
            Opens every object, follows the audit log from its first entry to the head that is kept apart of the store, and looks at owners, modes
            and files that don't belong there. Status 1 where anything is damaged; each damage is named. Nothing is changed.

            With --accept, an older store, a header that somebody has changed, and a damaged log are taken for what is wanted from now on;
            of a changed header, the key slot alone stays that opens the store now. The log tells so.
            """,
        examples: [
            .init("stackup store verify", "all of it"), .init("stackup store verify --format json", "for a monitor"),
            .init("stackup store verify --accept", "after an old copy of the store was put back on purpose"),
        ],
        options: [
            .flag("accept", help: "Go on with the store as it is"),
            .choice("format", ["table", "json"], help: "How to print it (default table)"),
        ])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let location = invocation.paths.store
        if invocation.flag("accept"), try invocation.acceptStore() { invocation.streams.note("accepted the store as it is") }
        guard let report = try SecretStore.verify(location, with: invocation.unlocker) else { throw StoreCommand.noStore(invocation) }
        if invocation.wantsJSON {
            invocation.streams.print(document(report).serialized(pretty: true))
        } else {
            for damage in report.damages { invocation.streams.print("\(sanitizedForTerminal(damage.file)): \(sanitizedForTerminal(damage.problem))") }
            for file in report.leftovers {
                invocation.streams.note("\(file): left by a command that was cut short; a later one removes it")
            }
            invocation.streams.note(
                "\(counted(report.objects, "object")) and \(report.logEntries) \(report.logEntries == 1 ? "entry" : "entries") of the log were checked: "
                    + (report.damages.isEmpty ? "all is well" : counted(report.damages.count, "damage")))
        }
        return report.damages.isEmpty ? 0 : 1
    }

    private static func document(_ report: StoreReport) -> JSONValue {
        .object([
            .init("sound", .bool(report.damages.isEmpty)), .init("objects", .integer(Int64(report.objects))),
            .init("logEntries", JSONValue(report.logEntries)),
            .init("damages", .array(report.damages.map { .object([.init("file", .string($0.file)), .init("problem", .string($0.problem))]) })),
            .init("leftovers", .array(report.leftovers.map { .string($0) })),
        ])
    }
}

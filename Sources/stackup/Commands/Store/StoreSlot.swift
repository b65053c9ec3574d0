import SecretStore
import Terminal

/// `stackup store slot`: the ways into the store.
enum StoreSlot {
    static let command = Command(
        "slot", summary: "Manage the ways into the store",
        examples: [
            .init("stackup store slot ls", "list them"), .init("stackup store slot add --passphrase", "add one"),
        ], subcommands: [add, list, remove])

    private static let add = Command(
        "add", summary: "Add a key slot",
        discussion: """
            A passphrase has to be good: whoever gets hold of a copy of the store can try as many as they have time for. What a command prints is not made
            slow to try at all, so it has to be random, 16 bytes at least; a newline at its end doesn't count. Where a key file lies that isn't at
            the usual place, and which command to run, is noted beside the key file and not in the store.
            """,
        examples: [
            .init("stackup store slot add --passphrase", "asks for it twice"),
            .init("stackup store slot add --keyfile /media/stick/stackup.key", "on a stick in the safe"),
            .init("stackup store slot add --command 'pass show stackup/key'", "from a password manager"),
        ], options: NewSlotOptions.options)

    private static let list = Command(
        "ls", summary: "List the key slots", aliases: ["list"],
        examples: [.init("stackup store slot ls", "with their ids")],
        options: [.value("format", "FORMAT", help: ListFormat.help)])

    private static let remove = Command(
        "rm", summary: "Remove a key slot",
        discussion: """
            The last one stays, and so does one without which nothing that is at hand opens the store: a remaining passphrase is asked for. A removed slot still
            opens old backups, and a copy of the store that somebody has taken; 'stackup store rekey' sees to it that it opens nothing that is stored
            from then on.
            """,
        aliases: ["remove"], examples: [.init("stackup store slot rm 5d0f6a", "by the beginning of its id")], arguments: [.init("SLOT")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        switch invocation.arguments.path.last {
        case add.name: return try runAdd(invocation)
        case list.name: return try runList(invocation)
        default: return try runRemove(invocation)
        }
    }

    private static func runAdd(_ invocation: Invocation) throws -> Int32 {
        // First of all: one descriptor may give both passphrases, that of the store before the new one.
        let store = try StoreCommand.open(invocation)
        let slot = try NewSlotOptions.slot(invocation, otherwise: nil)
        invocation.streams.print(try store.addSlot(slot))
        return 0
    }

    private static func runList(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat([.init("ID"), .init("Kind"), .init("Detail")])
        guard let outline = try SecretStore.outline(invocation.paths.store) else { throw StoreCommand.noStore(invocation) }
        let rows = outline.slots.map { slot in
            ListFormat.Row(
                cells: [slot.id, slot.kind, slot.detail ?? "-"],
                document: .record([
                    .init("ID", .string(slot.id)), .init("Kind", .string(slot.kind)), .init("Detail", .string(slot.detail ?? "")),
                ]))
        }
        try invocation.print(rows, header: ["ID", "KIND", "DETAIL"], as: format, json: .array)
        return 0
    }

    private static func runRemove(_ invocation: Invocation) throws -> Int32 {
        let store = try StoreCommand.open(invocation)
        let slot = try store.removeSlot(invocation.operands[0], provingBy: invocation.unlocker)
        invocation.streams.print(slot.id)
        if slot.kind == "keyfile", let path = slot.detail {
            invocation.streams.note("\(path) opens the store no more; it is still there, and opens old backups")
        }
        invocation.streams.note("to shut out whoever has a copy of the store and knew this slot's key, run: stackup store rekey")
        return 0
    }
}

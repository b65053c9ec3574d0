import SecretStore
import Terminal

/// `stackup store`: the store itself, its keys and its copies.
enum StoreCommand {
    static let command = Command(
        "store", summary: "Manage the store: its keys, backups and log",
        discussion: """
            The store is made on first use, and opens with its key file. It may also open with a passphrase, or with what a program
            prints; each such way is a key slot.
            """,
        examples: [
            .init("stackup store status", "where it is, and what it holds"),
            .init("stackup store slot add --passphrase", "a second way into it"),
            .init("stackup store backup -o store.backup", "all of it in one sealed file"),
        ], inheritedOptions: CommandTree.withoutProject, leadingOptions: CommandTree.ofKeys,
        subcommands: runners.map { $0.command.inheriting(CommandTree.withoutProject) })

    /// What its help lists: each is a file of this folder.
    private static let runners: [(command: Command, run: @Sendable (Invocation) throws -> Int32)] = [
        (StoreInit.command, StoreInit.run), (StoreStatus.command, StoreStatus.run), (StoreVerify.command, StoreVerify.run),
        (StoreLog.command, StoreLog.run), (StoreBackup.command, StoreBackup.run), (StoreRestore.command, StoreRestore.run),
        (StoreSlot.command, StoreSlot.run), (StoreRekey.command, StoreRekey.run), (StoreUnlock.command, StoreUnlock.run),
        (StoreLock.command, StoreLock.run),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        guard invocation.arguments.path.count > 1,
            let runner = runners.first(where: { $0.command.name == invocation.arguments.path[1] })
        else { preconditionFailure("the parser takes no other command") }
        return try runner.run(invocation)
    }

    /// The store, for a command that is of no use without one.
    static func open(_ invocation: Invocation) throws -> SecretStore {
        guard let store = try invocation.openStore() else { throw noStore(invocation) }
        return store
    }

    static func noStore(_ invocation: Invocation) -> any Error {
        do throws(StoreError) {
            try SecretStore.refuseLostStore(at: invocation.paths.store)
        } catch {
            return error
        }
        return CommandFailure("there is no store in \(invocation.paths.store.directory) yet; 'stackup store init' makes one, and so does the first secret")
    }
}

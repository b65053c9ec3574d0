import SecretStore
import Terminal
import Words

/// `stackup store unlock`.
enum StoreUnlock {
    static let command = Command(
        "unlock", summary: "Keep the store open for a time",
        discussion: """
            Opens the store, and has the kernel's user keyring keep what opened it, so that other commands of the same user, a timer's too, need no
            passphrase. It lies in memory that is never swapped, and is gone after the time, after a restart, and after 'stackup store lock'.
            Services can't reach it.
            """,
        examples: [
            .init("stackup store unlock", "for a quarter of an hour"), .init("stackup store unlock --timeout 8h", "for a day's work"),
        ],
        options: [
            .value("timeout", "TIME", help: "How long: 30s, 15m, 8h, 2d (default 15m)"),
            .value("keyfile", "PATH", help: "A key file that opens the store"),
        ])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let text = invocation.value("timeout") ?? "15m"
        guard let nanoseconds = DurationText.nanoseconds(text), let seconds = UInt32(exactly: nanoseconds / 1_000_000_000), seconds > 0 else {
            throw invocation.arguments.usageError("option '--timeout' needs a span of time, not '\(text)'", remedy: "write 30s, 15m, 8h or 2d")
        }
        guard let store = try open(invocation) else { throw StoreCommand.noStore(invocation) }
        try store.unlock(seconds: seconds)
        invocation.streams.note("the store stays open for \(text)")
        return 0
    }

    private static func open(_ invocation: Invocation) throws -> SecretStore? {
        do {
            return try SecretStore.open(invocation.paths.store, with: invocation.unlockerByOption())
        } catch StoreError.locked(let directory, let failures) {
            throw CommandFailure(
                "nothing at hand opens the store in \(directory)" + (failures.isEmpty ? "" : " (\(failures.joined(separator: "; ")))")
                    + "; name a key file with --keyfile PATH, give a passphrase with --passphrase-fd N, or run this at a terminal, which asks for it")
        }
    }
}

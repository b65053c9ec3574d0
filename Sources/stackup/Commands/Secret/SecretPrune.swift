import Glibc
import Runner
import SecretStore
import Terminal

/// `stackup secret prune [NAME…]`.
enum SecretPrune {
    static let command = Command(
        "prune", summary: "Remove old versions that nothing uses",
        discussion: """
            Of each secret, or of those that are named. The newest version always stays, and so does what a running service holds, or a \
            stack was last started with. What is removed can't be rolled back to.
            """,
        examples: [
            .init("stackup secret prune --keep 3", "the newest three versions of each secret stay"),
            .init("stackup secret prune --older-than 90d db_password", "what db_password was more than 90 days ago goes"),
            .init("stackup secret prune --keep 1 --dry-run", "only show what would go"),
        ],
        options: [
            .value("keep", "N", help: "So many of the newest versions stay"),
            .value("older-than", "TIME", help: "Only what is older goes: 30d, 12h, 2026-01-31"),
            .flag("dry-run", help: "Show what would be removed, and remove nothing"),
        ], arguments: [.init("NAME", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let keep = try invocation.arguments.integer("keep", in: 1...Int.max)
        let limit = try moment(invocation)
        guard keep != nil || limit != nil else {
            throw invocation.arguments.usageError(
                "nothing says what is to stay", remedy: "give --keep N, --older-than TIME, or both; --keep 1 leaves the newest version of each secret")
        }
        guard let store = try invocation.openStore() else { return 0 }
        let users = try SecretUsers(store, invocation)
        let snapshot = try store.snapshot()
        var secrets = invocation.operands.isEmpty ? snapshot.secrets() : []
        let status = SecretCommand.forEach(invocation.operands, invocation) {
            secrets.append(try SecretCommand.find($0, in: snapshot, invocation))
        }
        let unused = secrets.map { secret in
            (secret.name, self.unused(secret, keep: keep ?? 1, before: limit ?? .max, users, invocation).map(\.number))
        }
        // One commit for all of them.
        var changes = StoreChanges()
        for (name, numbers) in unused where !numbers.isEmpty { changes.removeVersions(Set(numbers), of: name) }
        if !invocation.flag("dry-run"), !changes.isEmpty { try store.commit(changes) }
        for (name, numbers) in unused {
            for number in numbers { invocation.streams.print("\(name) version \(number)") }
        }
        if invocation.flag("dry-run") {
            let count = unused.reduce(0) { $0 + $1.1.count }
            invocation.streams.note("\(counted(count, "version")) would be removed; nothing has been")
        }
        return status
    }

    /// Seconds since the epoch.
    private static func moment(_ invocation: Invocation) throws(UsageError) -> Int64? {
        guard let text = invocation.value("older-than") else { return nil }
        // As seconds since the epoch, which it could be, it would hardly ever be meant.
        if text.allSatisfy({ $0.isNumber || $0 == "." }) {
            throw invocation.arguments.usageError(
                "option '--older-than' needs a unit or a date, not '\(text)'", remedy: "write \(text)d for days, or a date such as 2026-01-31")
        }
        guard let moment = LogTime(moment: text) else {
            throw invocation.arguments.usageError(
                "option '--older-than' needs a time, not '\(text)'", remedy: "write 30d, 12h, or 2026-01-31T10:00:00")
        }
        return moment.nanoseconds / 1_000_000_000
    }

    private static func unused(
        _ secret: SecretMetadata, keep: Int, before limit: Int64, _ users: SecretUsers, _ invocation: Invocation
    ) -> [SecretVersion] {
        secret.versions.dropLast(keep).filter { version in
            guard version.createdAt < limit else { return false }
            let services = users.services(using: secret.name, version: version)
            if !services.isEmpty {
                let verb = services.count == 1 ? "holds" : "hold"
                invocation.streams.note(
                    "\(secret.name) version \(version.number) stays: \(services.joined(separator: ", ")) \(verb) it")
            }
            return services.isEmpty && !users.isRecorded(secret.name, version: version)
        }
    }
}

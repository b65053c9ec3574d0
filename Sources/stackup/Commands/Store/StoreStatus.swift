import Glibc
import JSON
import Linux
import SecretStore
import Terminal

/// `stackup store status`.
enum StoreStatus {
    static let command = Command(
        "status", summary: "Show where the store is, what opens it, and what it holds",
        discussion: "Asks for no passphrase: of a store that can't be opened, only what can be seen from outside is shown.",
        examples: [
            .init("stackup store status", "for people"), .init("stackup store status --format json", "for tools"),
        ], options: [.choice("format", ["table", "json"], help: "How to print it (default table)")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let location = invocation.paths.store
        var outline: StoreOutline?
        var facts: StoreFacts?
        var opening = "can't be opened"
        do {
            outline = try SecretStore.outline(location)
            guard outline != nil else { throw StoreCommand.noStore(invocation) }
            let store = try invocation.openStoreUnasked()
            opening = store.map { "opened by \($0.opening.description)" } ?? "gone"
            facts = try store?.facts()
        } catch let error as StoreError {
            if case .lost = error { throw error }
            if case .locked = error { opening = "locked" }
            invocation.warnOfStore(error)
        }
        if outline?.isUnlocked == true, !opening.hasSuffix(StoreOpening.keyring.description) { opening += ", unlocked in the kernel's keyring" }
        let memory = memoryLocking()
        if invocation.wantsJSON {
            invocation.streams.print(document(location, outline, facts, opening, memory).serialized(pretty: true))
        } else {
            invocation.streams.print(text(location, outline, facts, opening, memory), terminator: "")
        }
        return 0
    }

    private static func text(
        _ location: StoreLocation, _ outline: StoreOutline?, _ facts: StoreFacts?, _ opening: String, _ memory: String
    ) -> String {
        var rows = [["Place", location.directory], ["Key file", location.keyFile + (access(location.keyFile, F_OK) == 0 ? "" : " (not there)")]]
        if let outline { rows += [["Format", String(outline.format)], ["ID", outline.id]] }
        rows.append(["State", opening])
        if let outline { rows.append(["Size", humanSize(bytes: outline.size)]) }
        if let facts {
            rows += [
                ["Secrets", "\(facts.secrets), \(counted(facts.versions, "version")), \(humanSize(bytes: facts.valueSize))"],
                ["Stacks", String(facts.stacks)], ["Generation", String(facts.generation)],
                ["Log", facts.logEntries == 0 ? "empty" : "\(facts.logEntries) \(facts.logEntries == 1 ? "entry" : "entries"), head \(facts.logHash.prefix(16))"],
            ]
        }
        rows.append(["Memory", memory])
        for (position, slot) in (outline?.slots ?? []).enumerated() {
            rows.append([position == 0 ? "Key slots" : "", "\(slot.id.prefix(12))  \(slot.kind)" + (slot.detail.map { "  \($0)" } ?? "")])
        }
        return renderTable(header: [], rows: rows)
    }

    private static func document(
        _ location: StoreLocation, _ outline: StoreOutline?, _ facts: StoreFacts?, _ opening: String, _ memory: String
    ) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("place", .string(location.directory)), .init("keyFile", .string(location.keyFile)),
            .init("state", .string(opening)), .init("memory", .string(memory)),
        ]
        if let outline {
            members += [
                .init("format", .integer(Int64(outline.format))), .init("id", .string(outline.id)),
                .init("unlocked", .bool(outline.isUnlocked)), .init("size", .integer(outline.size)),
                .init("slots", .array(outline.slots.map(\.document))),
            ]
        }
        if let facts {
            members += [
                .init("secrets", .integer(Int64(facts.secrets))), .init("versions", .integer(Int64(facts.versions))),
                .init("valueSize", .integer(facts.valueSize)), .init("stacks", .integer(Int64(facts.stacks))),
                .init("generation", JSONValue(facts.generation)),
                .init("log", .object([.init("entries", JSONValue(facts.logEntries)), .init("head", .string(facts.logHash))])),
            ]
        }
        return .object(members)
    }

    /// Whether values and keys are kept from being swapped out (mlock(2)).
    private static func memoryLocking() -> String {
        guard (try? GuardedMapping(size: 64 << 10))?.isLocked == true else {
            return "can't be locked: values and keys may be swapped out; see 'ulimit -l'"
        }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
        return geteuid() == 0 || limit.rlim_cur == .max ? "locked" : "locked, up to \(humanSize(bytes: Int64(clamping: limit.rlim_cur)))"
    }
}

extension StoreOpening {
    /// For people.
    var description: String {
        switch self {
        case .keyFile(let path): "the key file \(path)"
        case .keyring: "the kernel's keyring"
        case .command(let words): "the command \(words[0])"
        case .passphrase, .remembered: "a passphrase"
        }
    }
}

extension KeySlotDescription {
    var document: JSONValue {
        .object([
            .init("id", .string(id)), .init("kind", .string(kind)), .init("detail", detail.map { .string($0) } ?? .null),
        ])
    }
}

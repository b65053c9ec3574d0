import SecretStore
import Terminal

/// `stackup store lock`.
enum StoreLock {
    static let command = Command(
        "lock", summary: "Forget what keeps the store open",
        discussion: "Takes back 'stackup store unlock'. A store that opens with its key file opens all the same.",
        examples: [.init("stackup store lock", "at the end of the day")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let wasUnlocked = try SecretStore.lock(invocation.paths.store)
        let other = ((try? invocation.openStoreUnasked()) ?? nil)?.opening.description
        invocation.forgetKeys()
        invocation.streams.note(
            (wasUnlocked ? other == nil ? "the store is locked" : "what 'store unlock' has kept is forgotten" : "the store was not unlocked")
                + (other.map { "; \($0) opens it all the same" } ?? ""))
        return 0
    }
}

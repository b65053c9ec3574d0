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
        invocation.streams.note(wasUnlocked ? "the store is locked" : "the store was not unlocked")
        return 0
    }
}

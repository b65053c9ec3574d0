import SecretStore
import Terminal

/// `stackup store rekey`.
enum StoreRekey {
    static let command = Command(
        "rekey", summary: "Seal everything anew under a new data key",
        discussion: """
            For when a key may have become known: remove its slot first. Every value, record and log entry is sealed anew, and every key slot gets the
            new data key without being asked for. Running services notice nothing. It takes as much room again as the store has, for a moment.
            What somebody has read, or has a copy of, they keep: secrets that may be known have to be changed as well.
            """,
        examples: [.init("stackup store slot rm 5d0f6a && stackup store rekey", "after a key file was lost")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let count = try StoreCommand.open(invocation).rekey()
        invocation.streams.note(count == 1 ? "1 object was sealed anew" : "\(count) objects were sealed anew")
        return 0
    }
}

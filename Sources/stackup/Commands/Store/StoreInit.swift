import SecretStore
import Terminal

/// `stackup store init`.
enum StoreInit {
    static let command = Command(
        "init", summary: "Make a store",
        discussion: """
            Without options it is the store that the first secret would make, too: it opens with a key file at the usual place, made where
            it is missing. More ways into it are added by 'stackup store slot add'.
            """,
        examples: [
            .init("stackup store init", "with a key file"),
            .init("stackup store init --passphrase", "asks for a passphrase, twice"),
            .init(
                "stackup store init --command 'systemd-creds decrypt --name=stackup /etc/stackup/key.cred -'",
                "with a key that the machine's TPM keeps"),
        ], options: NewSlotOptions.options)

    static func run(_ invocation: Invocation) throws -> Int32 {
        let location = invocation.paths.store
        let isThere = CommandFailure("there is a store in \(location.directory) already")
        guard try SecretStore.outline(location) == nil else { throw isThere }
        let slot = try NewSlotOptions.slot(invocation, otherwise: location.keyFile)
        guard try SecretStore.create(location, with: slot) else { throw isThere }
        invocation.streams.print(location.directory)
        return 0
    }
}

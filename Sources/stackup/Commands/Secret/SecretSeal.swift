import Glibc
import Linux
import SecretMemory
import SecretStore
import Terminal

/// `stackup secret seal NAME…`.
enum SecretSeal {
    static let command = Command(
        "seal", summary: "Make the store the only place of a file's secret: remove the plaintext file",
        discussion: """
            Compares the file of a 'file:' secret with what the store gives back byte by byte, overwrites it and removes it. From then on 'up' \
            uses the stored version, and says so. 'secret export' gives the value back; once the file is there again, \
            it counts again.

            What was once written in plain may lie elsewhere all the same: in backups, snapshots, an editor's copies, the history of \
            git, the spare cells of an SSD. A message says what is known of the file's own place. Where that matters, give the secret \
            a new value: 'secret rotate'.
            """,
        examples: [.init("stackup secret seal db_password", "after 'up' has stored it")],
        options: [.flag("force", help: "Also a file with other names (hard links), which are left with noise")],
        arguments: [.init("NAME", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let store = try invocation.openStore()
        return SecretCommand.forEach(invocation.operands, invocation) { reference in
            let secret = try SecretCommand.find(reference, in: try store?.snapshot(), invocation)
            guard let store else { throw StoreError.noSuchSecret(secret.name) }
            try seal(secret, store, invocation)
            invocation.streams.print(secret.name)
        }
    }

    private static func seal(_ secret: SecretMetadata, _ store: SecretStore, _ invocation: Invocation) throws {
        let files = try files(of: secret, store)
        for path in files where PlaintextFile.hasRemains(of: path) { try PlaintextFile.removeRemains(of: path) }
        var isSealed = secret.isSealed
        var found = false
        for path in files {
            let file: PlaintextFile
            do throws(PlaintextError) {
                file = try PlaintextFile.open(path, allowsOtherNames: invocation.flag("force"))
            } catch {
                // Of two files with the same value one may be gone; that none is there is told below.
                if case .missing = error { continue }
                throw error
            }
            found = true
            let version = try version(in: file, secret, store)
            let remains = file.remains
            // First, so that an 'up' from here on needs the file no more.
            if !isSealed { try setSealed(true, secret, store) }
            do {
                let value = try lastingValue(of: version, secret, path, store)
                try file.destroy(holding: value.bytes)
            } catch {
                // One that is on its way out already is not missed by an 'up', and finished by the next seal.
                let isThere = try store.snapshot().secret(secret.name) != nil
                if !isSealed, isThere, access(path, F_OK) == 0 { try setSealed(false, secret, store) }
                throw error
            }
            isSealed = true
            tell(remains, path, invocation)
            if version.number != secret.newest.number {
                invocation.streams.note(
                    "\(path) held version \(version.number) of '\(secret.name)'; version \(secret.newest.number), the newest, is the one that is used")
            }
        }
        guard found || isSealed else {
            throw CommandFailure("\(files.joined(separator: ", ")): no such file; there is no plaintext of '\(secret.name)' to seal")
        }
        if !found { invocation.streams.note("secret '\(secret.name)' is sealed already") }
    }

    /// The version that a file holds, as the store gives it back; an earlier one will do, since nothing is lost then.
    private static func version(
        in file: borrowing PlaintextFile, _ secret: SecretMetadata, _ store: SecretStore
    ) throws -> SecretVersion {
        for version in secret.versions.reversed() {
            let value = try store.read(secret.name, version: version.number)
            if try file.holds(value) { return version }
        }
        throw CommandFailure(
            "\(file.path) holds another value than any that the store has of '\(secret.name)', so it was left alone; "
                + "store it first, with: stackup up -d")
    }

    /// The version in the store, which stays there until the file is gone.
    private static func lastingValue(
        of version: SecretVersion, _ secret: SecretMetadata, _ path: String, _ store: SecretStore
    ) throws -> LastingValue {
        do {
            return try store.lastingValue(of: secret.name, version)
        } catch {
            switch error {
            case .noSuchSecret, .noSuchVersion:
                throw CommandFailure("\(path) was left alone: somebody has removed its value from the store meanwhile (\(error))")
            default: throw error
            }
        }
    }

    /// The files that stacks have the secret from.
    private static func files(of secret: SecretMetadata, _ store: SecretStore) throws -> [String] {
        let origins = try RecordedOrigin.all(of: secret.name, in: store)
        let files = origins.compactMap { recorded in
            if case .file(let path)? = recorded.origin.place { path } else { nil }
        }.withoutRepeats()
        guard files.isEmpty else { return files }
        throw CommandFailure(
            "secret '\(secret.name)' comes from no file: "
                + (origins.isEmpty ? "no stack has been started with it" : "'\(origins[0].stack)' has it from \(origins[0].text)")
                + "; only a 'file:' secret can be sealed, and a file that a value was once read from is yours to remove")
    }

    private static func setSealed(_ isSealed: Bool, _ secret: SecretMetadata, _ store: SecretStore) throws {
        var changes = StoreChanges()
        changes.setSealed(isSealed, of: secret.name)
        try store.commit(changes)
    }

    /// What may be left of the value for all that.
    private static func tell(_ remains: PlaintextRemains, _ path: String, _ invocation: Invocation) {
        switch remains {
        case .nothing:
            invocation.streams.note("\(path): removed; it lay in memory")
        case .oldBlocks(let fileSystem):
            invocation.streams.warn(
                "\(path) is removed, but \(fileSystem) overwrites nothing in place: its old blocks can be read until they are used again, "
                    + "and snapshots keep them; give the secret a new value if that matters, with: stackup secret rotate")
        case .elsewhere(let fileSystem):
            invocation.streams.warn(
                "\(path) is removed, but it lay on \(fileSystem): what is kept there is not in stackup's hands; give the secret a new value if "
                    + "that matters, with: stackup secret rotate")
        case .spareCells:
            invocation.streams.note(
                "\(path): overwritten and removed; copies elsewhere (backups, snapshots, an SSD's spare cells) are out of reach")
        }
    }
}

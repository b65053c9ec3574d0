import Compose
import SecretMemory
import SecretStore
import SourceProtocol
import Terminal

/// `stackup secret rotate NAME`.
enum SecretRotate {
    static let command = Command(
        "rotate", summary: "Give a secret a new value from its source, a generator or a program",
        discussion: """
            Without options the secret's own source is asked again: the file, the variable or the driver that its stack was last started \
            with. The new value is put in place at once, as by 'secret update'.

            --command runs a program without a shell, in a sandbox that keeps stackup's own files from it; what it prints is the value, \
            with the line end that it may print. --generate takes one of the kinds below.
            """,
        examples: [
            .init("stackup secret rotate --generate password:40 db_password", "a new password that nobody has seen"),
            .init("stackup secret rotate api_key", "ask its driver, or read its file, again"),
            .init("stackup secret rotate --command 'openssl rand -hex 32' token", "what a program prints"),
        ],
        options: [
            .value("generate", "SPEC", help: "Make the value: see the generators below"),
            .value("command", "COMMAND", help: "Run this program, which prints the value"),
        ],
        arguments: [.init("NAME")], glossary: GeneratedValue.glossary)

    static func run(_ invocation: Invocation) throws -> Int32 {
        let maker = try maker(invocation)
        let store = try invocation.openStore()
        let secret = try SecretCommand.find(invocation.operands[0], in: try store?.snapshot(), invocation)
        guard let store else { throw StoreError.noSuchSecret(secret.name) }
        let hold = try invocation.holdRenewals(of: store)
        let origins = try RecordedOrigin.all(of: secret.name, in: store)
        var delivery = SecretDelivery(store, invocation)
        delivery.onSent = {
            hold.release()
            DeferredTermination.end()
        }
        DeferredTermination.begin()
        defer { DeferredTermination.end() }
        if let maker {
            let request = maker.request(for: secret.name, project: "", directory: invocation.workingDirectory, labels: secret.labels)
            let value = try made(of: secret) { try SourcesProcess.value(of: request.request, hidden: invocation.paths.privatePaths) }
            if !delivery.update(secret, to: value, from: request.source, as: .rotated) {
                invocation.streams.note("that is the value that secret '\(secret.name)' has already")
            }
        } else {
            let origin = try source(of: secret, origins)
            if !delivery.update(secret, to: try value(from: origin, secret, store, invocation), from: origin.text, as: .rotated) {
                let name = secret.name
                delivery.alsoCommit { $0.noteChecked(of: name) }
                invocation.streams.note("\(origin.text) gives the value that secret '\(secret.name)' has already")
            }
        }
        let status = try delivery.deliver(reporting: [secret.name], invocation)
        if maker != nil, !secret.isSealed { warnOfSources(origins, of: secret.name, invocation) }
        return status
    }

    /// A value, or the reason why there is none, about the secret.
    private static func made(of secret: SecretMetadata, _ make: () throws -> SecretBytes) throws -> SecretBytes {
        do {
            return try make()
        } catch let error as SourceError {
            throw CommandFailure("secret '\(secret.name)' keeps its value: \(error)")
        }
    }

    /// What the options ask to make the value; nil where they ask for nothing.
    private static func maker(_ invocation: Invocation) throws(UsageError) -> SecretRenewal.Generator? {
        switch (invocation.value("generate"), invocation.value("command")) {
        case (let spec?, nil):
            try GeneratedValue.check(spec, invocation)
            return .specification(spec)
        case (nil, let line?): return .command(line)
        case (nil, nil): return nil
        case (_?, _?):
            throw invocation.arguments.usageError("there are two sources, '--generate' and '--command'", remedy: "leave one of them out")
        }
    }

    /// The one place that the secret comes from.
    private static func source(of secret: SecretMetadata, _ origins: [RecordedOrigin]) throws(CommandFailure) -> RecordedOrigin {
        let sources = origins.filter(\.hasSource)
        guard let first = sources.first else {
            throw CommandFailure(
                "secret '\(secret.name)' has no source but the store; give one with --generate SPEC or --command COMMAND, "
                    + "or a value with: stackup secret update \(secret.name) FILE")
        }
        if let other = sources.first(where: { $0.text != first.text }) {
            throw CommandFailure(
                "'\(secret.name)' comes from two places: \(first.text) for '\(first.stack)', \(other.text) for '\(other.stack)'; "
                    + "give its value with: stackup secret update \(secret.name) FILE")
        }
        return first
    }

    private static func value(
        from origin: RecordedOrigin, _ secret: SecretMetadata, _ store: SecretStore, _ invocation: Invocation
    ) throws -> SecretBytes {
        do {
            return try made(of: secret) { try origin.value(in: store, invocation) }
        } catch let error as SecretSourceError where secret.isSealed {
            guard case .missing = error else { throw error }
            throw CommandFailure(
                "\(error.reason): secret '\(secret.name)' is sealed, and has no source but the store; "
                    + "give one with --generate SPEC or --command COMMAND")
        }
    }
}

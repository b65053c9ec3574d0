import Compose
import Linux
import Reconciler
import SecretMemory
import SecretStore
import SourceProtocol
import YAML

/// The secrets that services are granted, read from their sources once, with their values in guarded memory
/// until the store has them.
final class SecretIntake {
    /// A value that waits for its place in the store.
    private final class Guarded {
        let bytes: SecretBytes
        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }

    /// A secret whose value a driver is to fetch.
    private struct Asked {
        let declaration: SecretDeclaration
        let request: SourceRequest
        /// Whether the stored value does where the driver gives none.
        let mayBeStale: Bool
    }

    /// What the reconciler compares with the store.
    private(set) var wanted: [WantedSecret] = []
    /// Why drivers gave no value, by the names of secrets whose stored one is used instead.
    private(set) var failures: [String: String] = [:]
    /// What to say of these.
    private(set) var warnings: [Diagnostic] = []
    private var values: [String: Guarded] = [:]
    private var asked: [Asked] = []
    /// The names of those whose driver was left alone: what the store has counts.
    private(set) var unasked: [String] = []
    private let store: SecretStore?
    private let snapshot: StoreSnapshot?
    private let stackName: String
    /// Those whose plaintext file is gone on purpose: the stored version is used.
    private(set) var sealed: [SecretMetadata] = []
    /// Those whose plaintext file was gone on purpose, and is back.
    private(set) var unsealed: [SecretMetadata] = []

    /// Reads every secret that one of `services` is granted.
    ///
    /// - Parameters:
    ///   - environment: what interpolation used: the caller's with `.env`.
    ///   - folders: where services can lay links.
    ///   - hidden: what drivers must not get at.
    ///   - store: nil where there is none yet; every value is new then.
    ///   - asksDrivers: whether drivers are asked for values, which runs programs that the Compose files name.
    ///   - waiting: tells of secrets that take a while.
    /// - Throws: `DeploymentError` with every source that cannot be read.
    init(
        _ services: [Service], of stack: Stack, environment: [String: String], folders: inout WritableFolders, hidden: [String],
        store: SecretStore?, snapshot: StoreSnapshot?, asksDrivers: Bool, waiting: SecretWaiting
    ) throws(DeploymentError) {
        self.store = store
        self.snapshot = snapshot
        stackName = stack.name
        let granted = Set(services.flatMap { $0.secrets.map(\.secret) })
        var problems = Problems()
        for declaration in stack.secrets where granted.contains(declaration.key) {
            do {
                try take(declaration, of: stack, environment: environment, folders: &folders)
            } catch {
                let problem = switch error {
                case let error as DeploymentError: error
                case let error as SecretSourceError: DeploymentError(error.reason, remedy: error.remedy)
                default: DeploymentError("\(error)")
                }
                problems.add(problem.about(declaration).diagnostics)
            }
        }
        if asksDrivers { try fetch(hidden: hidden, waiting, &problems) } else { leaveDrivers() }
        guard problems.isEmpty else { throw problems.error }
    }

    private func take(
        _ declaration: SecretDeclaration, of stack: Stack, environment: [String: String], folders: inout WritableFolders
    ) throws {
        switch declaration.source {
        case .made:
            // `up` has had the first value made by now; a plan says that it will be.
            if snapshot?.secret(declaration.storeName) == nil {
                wanted.append(WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: "new"))
            } else {
                useStored(declaration)
            }
        case .external:
            guard snapshot?.secret(declaration.storeName) != nil else {
                throw DeploymentError(
                    "it is external, and the store has no secret '\(declaration.storeName)'",
                    remedy: "create it with: stackup secret create \(declaration.storeName) FILE")
            }
            useStored(declaration)
        case .driver(let driver, var options, let directory):
            let mayBeStale = try Self.mayBeStale(options.removeValue(forKey: "on-failure"))
            // A generator makes the first value. That is kept, or each 'up' would change the password of a database that is there already.
            if driver == GeneratorSpec.driver, snapshot?.secret(declaration.storeName) != nil {
                if let spec = options["spec"] { _ = try GeneratorSpec(spec) }
                useStored(declaration)
                return
            }
            let request = SourceRequest(
                driver: driver, options: options, name: declaration.key, project: stack.name, directory: directory, labels: declaration.labels)
            asked.append(Asked(declaration: declaration, request: request, mayBeStale: mayBeStale))
        case .file(let path):
            let stored = snapshot?.secret(declaration.storeName).flatMap { $0.isSealed ? $0 : nil }
            guard let read = try Self.file(try folders.resolve(path), mayBeMissing: stored != nil) else {
                if let stored { sealed.append(stored) }
                useStored(declaration)
                return
            }
            if case .rotate? = declaration.renewal { try refuseOlder(read, than: snapshot?.secret(declaration.storeName), path, declaration) }
            take(Guarded(read), for: declaration)
            if let stored { unsealed.append(stored) }
        case .environment(let variable):
            guard let value = environment[variable] else {
                throw DeploymentError("the environment variable \(variable) is not set", remedy: "set it, or use 'file'")
            }
            take(Guarded(try SecretSourceReader.environmentValue(value, name: variable)), for: declaration)
        }
    }

    /// A file beside a rotation has the first value, until it is sealed. It must not come in the place of a value that was made since.
    private func refuseOlder(
        _ value: borrowing SecretBytes, than stored: SecretMetadata?, _ path: String, _ declaration: SecretDeclaration
    ) throws(DeploymentError) {
        guard let stored, let fingerprint = store?.fingerprint(of: value), fingerprint != stored.newest.fingerprint,
            stored.isSealed || stored.newest.source != declaration.sourceText
        else { return }
        let seal = "stackup secret seal \(stored.name)"
        throw DeploymentError(
            "its file is there, and would put its value in the place of a newer one: version \(stored.newest.number), \(stored.newest.source)",
            remedy: stored.versions.contains { $0.fingerprint == fingerprint }
                ? "make the store its only place with: \(seal); or remove 'rotate'"
                : "remove the file; or, to have its value, run: stackup secret update \(stored.name) \(path), and then: \(seal)")
    }

    private func take(_ value: Guarded, for declaration: SecretDeclaration) {
        let fingerprint = store?.fingerprint(of: value.bytes) ?? "new"
        wanted.append(
            WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: fingerprint))
        values[declaration.storeName] = value
    }

    /// The value is the store's.
    private func useStored(_ declaration: SecretDeclaration) {
        wanted.append(WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: nil))
    }

    /// - Returns: nil where it is missing and may be.
    private static func file(_ path: String, mayBeMissing: Bool) throws(SecretSourceError) -> SecretBytes? {
        do {
            return try SecretSourceReader.file(path, followingLinks: false)
        } catch {
            if case .missing = error, mayBeMissing { return nil }
            throw error
        }
    }

    /// Lends a value that was read from its source to `body`; nil for a secret that came from the store.
    func withValue<Result>(of name: String, _ body: (borrowing SecretBytes) throws -> Result) rethrows -> Result? {
        guard let value = values[name] else { return nil }
        return try body(value.bytes)
    }

    /// The names of secrets that a driver has given, and that have to be noted: it had failed before, or this spares a refresh.
    var checked: [String] {
        asked.map(\.declaration).filter { declaration in
            guard failures[declaration.storeName] == nil, let stored = snapshot?.secret(declaration.storeName) else { return false }
            if stored.failure != nil { return true }
            guard case .refresh? = declaration.renewal, let renewal = declaration.renewal else { return false }
            return renewal.due(stored, in: stackName, at: .millisecondsNow) <= .millisecondsNow
        }.map(\.storeName)
    }
}

// MARK: Drivers

extension SecretIntake {
    /// What the driver option `on-failure` says, which is stackup's own.
    private static func mayBeStale(_ text: String?) throws(DeploymentError) -> Bool {
        switch text {
        case nil, "stale": return true
        case "fail": return false
        case let text?:
            throw DeploymentError("the driver option 'on-failure' can't be '\(text)'", remedy: "write 'stale' (the stored value is used) or 'fail'")
        }
    }

    /// Has one process fetch all values.
    private func fetch(hidden: [String], _ waiting: SecretWaiting, _ problems: inout Problems) throws(DeploymentError) {
        var fetched: [Int: Guarded] = [:]
        var errors: [Int: SourceError] = [:]
        do {
            let names = asked.map { SecretWaiting.Awaited(secret: $0.declaration.storeName, driver: $0.request.driver) }
            defer { waiting.finish() }
            try SourcesProcess.fetch(
                asked.map(\.request), hidden: hidden, onWait: { unanswered in waiting.show(unanswered.sorted().map { names[$0] }) }
            ) { index, answer in
                switch consume answer {
                case .value(let bytes): fetched[index] = Guarded(bytes)
                case .failure(let error): errors[index] = error
                }
            }
        } catch {
            throw DeploymentError("secrets with a driver can't be fetched: \(error)")
        }
        // Answers come in any order, and a plan is the same each time.
        for (index, asked) in asked.enumerated() {
            if let value = fetched[index] {
                take(value, for: asked.declaration)
            } else if let error = errors[index] {
                miss(asked, error, &problems)
            }
        }
    }

    /// What the store has is what is wanted; what it has not would be new.
    private func leaveDrivers() {
        for declaration in asked.map(\.declaration) {
            unasked.append(declaration.storeName)
            if snapshot?.secret(declaration.storeName) == nil {
                wanted.append(WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: "new"))
            } else {
                useStored(declaration)
            }
        }
    }

    private static func remedy(_ declaration: SecretDeclaration) -> String {
        "correct 'driver_opts'; or, to have what is stored, write 'external: true' and 'name: \(declaration.storeName)' instead of the driver"
    }

    /// Whether a stack was last applied with a value that this driver gave for these options. With others it would be another secret's value:
    /// the stack would start with it, and nobody would notice.
    private func hasAnswered(_ declaration: SecretDeclaration) -> Bool {
        guard let store, let place = SecretOrigin(declaration).place else { return false }
        let recorded = (try? RecordedOrigin.all(of: declaration.storeName, in: store)) ?? []
        return recorded.contains { $0.origin.place.map(place.asksForTheSame) ?? false }
    }

    /// A driver gave no value.
    private func miss(_ asked: Asked, _ error: SourceError, _ problems: inout Problems) {
        let declaration = asked.declaration
        let reason = "its driver '\(asked.request.driver)' gives no value: \(error.reason)"
        guard asked.mayBeStale, !error.isMistake, let stored = snapshot?.secret(declaration.storeName) else {
            problems.add(DeploymentError(error.isMistake ? error.reason : reason, remedy: error.remedy).about(declaration).diagnostics)
            return
        }
        guard hasAnswered(declaration) else {
            let stored = "the stored one, version \(stored.newest.number), is not used, for it never came from this driver with these options"
            problems.add(DeploymentError("\(reason); \(stored)", remedy: error.remedy ?? Self.remedy(declaration)).about(declaration).diagnostics)
            return
        }
        failures[declaration.storeName] = error.reason
        useStored(declaration)
        warnings.append(Diagnostic(
            .warning, "secret '\(declaration.key)': \(reason); its stored value is used, version \(stored.newest.number)",
            at: declaration.location, attribute: "secrets.\(declaration.key).driver", remedy: error.remedy))
    }
}

extension DeploymentError {
    /// The same about a secret, at its place.
    fileprivate func about(_ declaration: SecretDeclaration) -> DeploymentError {
        about("secret", declaration.key, declaration.sourceAttribute, at: declaration.location)
    }
}

extension SecretDeclaration {
    /// The attribute that says where its value comes from.
    fileprivate var sourceAttribute: String {
        switch source {
        case .file: "file"
        case .environment: "environment"
        case .external: "external"
        case .made: "x-stackup"
        case .driver: "driver"
        }
    }

    /// Where its value comes from, for people.
    var sourceText: String {
        switch source {
        case .external: "external"
        case .made: if case .rotate(_, let generator)? = renewal { generator.text } else { "x-stackup" }
        case .file, .environment, .driver: SecretOrigin(self).place?.text ?? ""
        }
    }
}

import Compose
import Reconciler
import SecretMemory
import SecretStore
import YAML

/// The secrets that services are granted, read from their sources once, with their values in guarded memory
/// until the store has them.
final class SecretIntake {
    /// A value that waits for its place in the store.
    private final class Guarded {
        let bytes: SecretBytes
        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }

    /// What the reconciler compares with the store.
    private(set) var wanted: [WantedSecret] = []
    private var values: [String: Guarded] = [:]
    /// Those whose plaintext file is gone on purpose: the stored version is used.
    private(set) var sealed: [SecretMetadata] = []
    /// Those whose plaintext file was gone on purpose, and is back.
    private(set) var unsealed: [SecretMetadata] = []

    /// Reads every secret that one of `services` is granted.
    ///
    /// - Parameters:
    ///   - environment: what interpolation used: the caller's with `.env`.
    ///   - folders: where services can lay links.
    ///   - store: nil where there is none yet; every value is new then.
    /// - Throws: `DeploymentError` with every source that cannot be read.
    init(
        _ services: [Service], of stack: Stack, environment: [String: String], folders: inout WritableFolders,
        store: SecretStore?, snapshot: StoreSnapshot?
    ) throws(DeploymentError) {
        let granted = Set(services.flatMap { $0.secrets.map(\.secret) })
        var problems: [Diagnostic] = []
        for declaration in stack.secrets where granted.contains(declaration.key) {
            do {
                try take(declaration, environment: environment, folders: &folders, store: store, snapshot: snapshot)
            } catch {
                let problem = switch error {
                case let error as DeploymentError: error
                case let error as SecretSourceError: DeploymentError(error.reason, remedy: error.remedy)
                default: DeploymentError("\(error)")
                }
                problems += problem.about("secret", declaration.key, declaration.sourceAttribute, at: declaration.location).diagnostics
            }
        }
        guard problems.isEmpty else { throw DeploymentError(problems) }
    }

    private func take(
        _ declaration: SecretDeclaration, environment: [String: String], folders: inout WritableFolders, store: SecretStore?,
        snapshot: StoreSnapshot?
    ) throws {
        let bytes: SecretBytes
        switch declaration.source {
        case .external:
            guard snapshot?.secret(declaration.storeName) != nil else {
                throw DeploymentError(
                    "it is external, and the store has no secret '\(declaration.storeName)'",
                    remedy: "create it with: stackup secret create \(declaration.storeName) FILE")
            }
            wanted.append(WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: nil))
            return
        case .driver(let driver, _):
            throw DeploymentError("its driver '\(driver)' is not supported", remedy: "use 'file', 'environment' or 'external'")
        case .file(let path):
            let stored = snapshot?.secret(declaration.storeName).flatMap { $0.isSealed ? $0 : nil }
            guard let read = try Self.file(try folders.resolve(path), mayBeMissing: stored != nil) else {
                wanted.append(WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: nil))
                if let stored { sealed.append(stored) }
                return
            }
            bytes = read
            if let stored { unsealed.append(stored) }
        case .environment(let variable):
            guard let value = environment[variable] else {
                throw DeploymentError("the environment variable \(variable) is not set", remedy: "set it, or use 'file'")
            }
            bytes = try SecretSourceReader.environmentValue(value, name: variable)
        }
        let fingerprint = store?.fingerprint(of: bytes) ?? "new"
        wanted.append(
            WantedSecret(name: declaration.storeName, source: declaration.sourceText, fingerprint: fingerprint))
        values[declaration.storeName] = Guarded(bytes)
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
}

extension SecretDeclaration {
    /// The attribute that says where its value comes from.
    fileprivate var sourceAttribute: String {
        switch source {
        case .file: "file"
        case .environment: "environment"
        case .external: "external"
        case .driver: "driver"
        }
    }

    /// Where its value comes from, for people.
    var sourceText: String {
        switch source {
        case .file(let path): "file \(path)"
        case .environment(let variable): "environment \(variable)"
        case .external: "external"
        case .driver(let driver, _): "driver \(driver)"
        }
    }
}

import Compose
import Linux
import SecretStore
import YAML

/// Files whose plaintext must stay out of the services' sight: `file:` secrets, what a seal that was cut short has left of them, and
/// the env files that `environment:` secrets may come from.
struct PlaintextSources {
    /// A secret of which plaintext lies where a seal has moved it.
    struct UnfinishedSeal {
        /// Its name in the store.
        let secret: String
        /// Its file, as the Compose file names it.
        let path: String
        /// nil where the Compose files name it no more.
        let declaration: SecretDeclaration?

        /// What to say of it.
        var warning: Diagnostic {
            Diagnostic(
                .warning, "secret '\(declaration?.key ?? secret)': its sealing was cut short, and plaintext of it is left beside \(path)",
                at: declaration?.location, attribute: declaration.map { "secrets.\($0.key).file" } ?? "",
                remedy: "finish it with: stackup secret seal \(secret)")
        }
    }

    /// Real paths, whether something lies there or not.
    private(set) var paths: [String] = []
    private(set) var unfinishedSeals: [UnfinishedSeal] = []

    /// - Parameter record: the stack as last applied.
    /// - Throws: where somebody may have led one of the paths elsewhere.
    init(of stack: Stack, recorded record: StackRecord?, envFiles: [String], folders: inout WritableFolders) throws(DeploymentError) {
        var problems = Problems()
        var remains: [String] = []
        var usesEnvironment = false
        // By the secrets' names in the store.
        var declared: [String: String] = [:]
        for declaration in stack.secrets {
            switch declaration.source {
            case .file(let path):
                declared[declaration.storeName] = path
                let place = PlaintextFile.remainsPath(of: path)
                do {
                    let real = try folders.resolve(path)
                    paths.append(real)
                    remains.append(real.hasSameBytes(as: path) ? place : PlaintextFile.remainsPath(of: real))
                } catch {
                    problems.add(DeploymentError("secret '\(declaration.key)': \(error)", at: declaration.location).diagnostics)
                }
                note(declaration.storeName, path, place, declaration)
            case .environment: usesEnvironment = true
            case .external, .made, .driver: continue
            }
        }
        if usesEnvironment {
            for path in envFiles { paths.append(try folders.resolve(path)) }
        }
        for (name, origin) in record?.secrets ?? [:] {
            guard case .file(let path)? = origin.place, declared[name]?.hasSameBytes(as: path) != true else { continue }
            // A way that is not to be trusted any more is no reason to refuse a stack that doesn't go it.
            remains.append(PlaintextFile.remainsPath(of: (try? folders.resolve(path)) ?? path))
            note(name, path, PlaintextFile.remainsPath(of: path), nil)
        }
        guard problems.isEmpty else { throw problems.error }
        paths = (paths + remains.sorted()).withoutRepeats()
    }

    private mutating func note(_ secret: String, _ path: String, _ place: String, _ declaration: SecretDeclaration?) {
        guard PlaintextFile.hasRemains(at: place) else { return }
        unfinishedSeals.append(UnfinishedSeal(secret: secret, path: path, declaration: declaration))
    }
}

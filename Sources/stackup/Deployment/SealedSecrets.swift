import Compose
import Glibc
import SecretStore
import YAML

/// Secrets whose files are missing on purpose: the store has their values.
extension Invocation {
    /// The declarations of a project that are sealed and without a file. The store is opened for that only where a file is missing,
    /// and nobody is asked for a passphrase: a store that is locked says nothing.
    func sealedSecrets(of stack: Stack) -> [SecretDeclaration] {
        let missing = stack.secrets.filter { declaration in
            if case .file(let path) = declaration.source { access(path, F_OK) != 0 } else { false }
        }
        guard !missing.isEmpty, let snapshot = try? openStoreUnasked()?.snapshot() else { return [] }
        return missing.filter { snapshot.secret($0.storeName)?.isSealed == true }
    }

    /// Diagnostics without those that want the files of sealed secrets back. While the store can't be opened, any missing file may be one of those.
    func withoutSealed(_ diagnostics: [Diagnostic], of stack: Stack?, for purpose: ProjectOptions.Purpose) -> [Diagnostic] {
        func isOfFile(_ diagnostic: Diagnostic) -> Bool {
            diagnostic.severity == .warning && diagnostic.attribute.hasPrefix("secrets.") && diagnostic.attribute.hasSuffix(".file")
        }
        guard let stack, diagnostics.contains(where: isOfFile) else { return diagnostics }
        do {
            _ = try openStoreUnasked()
        } catch {
            return diagnostics.compactMap { diagnostic in
                guard isOfFile(diagnostic) else { return diagnostic }
                // Who is about to act looks for himself.
                return purpose == .running ? nil : Diagnostic(
                    .warning, diagnostic.message + "; whether the secret is sealed, only the store knows, which can't be opened",
                    at: diagnostic.location, attribute: diagnostic.attribute)
            }
        }
        let attributes = Set(sealedSecrets(of: stack).map { "secrets.\($0.key).file" })
        return diagnostics.filter { !isOfFile($0) || !attributes.contains($0.attribute) }
    }
}

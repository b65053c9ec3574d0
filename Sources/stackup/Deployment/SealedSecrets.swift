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

    /// Diagnostics without those that ask for a source that need not be there: the file of a sealed secret. Who is about to act looks at
    /// all of them himself, and says more of those that are missing.
    func withoutMissing(_ diagnostics: [Diagnostic], of stack: Stack?, for purpose: ProjectOptions.Purpose) -> [Diagnostic] {
        func isOfSource(_ diagnostic: Diagnostic, _ kinds: [String], _ sources: [String]) -> Bool {
            diagnostic.severity == .warning && kinds.contains { diagnostic.attribute.hasPrefix($0 + ".") }
                && sources.contains { diagnostic.attribute.hasSuffix("." + $0) }
        }
        if purpose == .running { return diagnostics.filter { !isOfSource($0, ["secrets", "configs"], ["file", "environment"]) } }
        func isOfFile(_ diagnostic: Diagnostic) -> Bool { isOfSource(diagnostic, ["secrets"], ["file"]) }
        guard let stack, diagnostics.contains(where: isOfFile) else { return diagnostics }
        do {
            _ = try openStoreUnasked()
        } catch {
            return diagnostics.map { diagnostic in
                isOfFile(diagnostic)
                    ? Diagnostic(
                        .warning, diagnostic.message + "; whether the secret is sealed, only the store knows, which can't be opened",
                        at: diagnostic.location, attribute: diagnostic.attribute)
                    : diagnostic
            }
        }
        let attributes = Set(sealedSecrets(of: stack).map { "secrets.\($0.key).file" })
        return diagnostics.filter { !isOfFile($0) || !attributes.contains($0.attribute) }
    }
}

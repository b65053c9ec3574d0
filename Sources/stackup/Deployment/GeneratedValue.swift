import SecretMemory
import SourceProtocol
import Terminal

/// A new value that `stackup-sources` makes: a password, a key.
enum GeneratedValue {
    /// What a generator's spec may start with, for help.
    static let glossary = Command.Glossary("Generators (kind[:length][,alphabet=CHARACTERS])", GeneratorSpec.kinds.map { ($0.name, $0.summary) })

    /// The spec that an option has.
    ///
    /// - Throws: `UsageError` for one that is wrong, before anything is started.
    static func check(_ spec: String, _ invocation: Invocation) throws(UsageError) {
        do {
            _ = try GeneratorSpec(spec)
        } catch {
            throw invocation.arguments.usageError("option '--generate': \(error.reason)", remedy: error.remedy)
        }
    }

    /// Makes a value.
    ///
    /// - Parameter name: of the secret that it is for.
    static func make(_ spec: String, for name: String, _ invocation: Invocation) throws -> SecretBytes {
        let request = SourceRequest(
            driver: GeneratorSpec.driver, options: ["spec": spec], name: name, project: "", directory: invocation.workingDirectory)
        do {
            return try SourcesProcess.value(of: request, hidden: invocation.paths.privatePaths)
        } catch let error as SourceError {
            throw CommandFailure(error.description)
        }
    }
}

import Linux
import YAML

/// A file of variables that a command line names.
public enum EnvFile {
    /// Reads its variables.
    ///
    /// - Parameters:
    ///   - path: as given.
    ///   - directory: what a relative path starts from.
    ///   - lookup: variables from outside the file, for those in its values.
    /// - Returns: the variables, and what is to be said of the file; with an error there they are not to be used.
    public static func read(
        _ path: String, from directory: String, lookup: (String) -> String?
    ) -> (variables: [String: String], diagnostics: [Diagnostic]) {
        do {
            let bytes = try FileReading.read(Paths.absolute(path, from: directory, home: nil)) { _ in }
            let parsed = DotEnv.parse(bytes, file: path, lookup: lookup)
            return (parsed.values, parsed.diagnostics)
        } catch {
            return ([:], [Diagnostic(.error, "env file \(path): \(error.reason)", remedy: error.isMissing ? "check --env-from-file" : nil)])
        }
    }
}

import Linux
import YAML

/// The variables that interpolation sees: the caller's, then those of `.env` or the env files given.
///
/// Source: `docker compose`'s documentation of environment variable precedence.
enum ProjectEnvironment {
    /// - Parameters:
    ///   - directory: where `.env` is looked for.
    ///   - reporter: nil to ignore what is wrong, for the look before the project's directory is known.
    static func load(_ options: ProjectOptions, directory: String, _ reporter: Reporter?) -> [String: String] {
        var fromFiles: [String: String] = [:]
        for file in envFiles(options, directory) {
            do {
                let bytes = try FileReading.read(file.path)
                let parsed = DotEnv.parse(bytes, file: file.shown, after: fromFiles) { options.environment[$0] }
                reporter?.add(parsed.diagnostics)
                fromFiles.merge(parsed.values) { _, new in new }
            } catch {
                guard file.isNamed || !error.isMissing else { continue }
                reporter?.error(
                    "env file \(file.shown): \(error.reason)", remedy: error.isMissing ? "check --env-file" : nil)
            }
        }
        return fromFiles.merging(options.environment) { _, callers in callers }
    }

    private static func envFiles(
        _ options: ProjectOptions, _ directory: String
    ) -> [(path: String, shown: String, isNamed: Bool)] {
        var named = options.envFiles
        if named.isEmpty, let variable = options.environment["COMPOSE_ENV_FILES"], !variable.isEmpty {
            named = Text.split(variable, by: ",")
        }
        if !named.isEmpty {
            return named.map { (Paths.absolute($0, from: options.workingDirectory, home: nil), $0, true) }
        }
        if ["1", "t", "T", "true", "TRUE", "True"].contains(options.environment["COMPOSE_DISABLE_ENV_FILE"]) { return [] }
        let path = Paths.join(directory, ".env")
        guard FileReading.exists(path), !FileReading.isDirectory(path) else { return [] }
        return [(path, directory == options.workingDirectory ? ".env" : path, false)]
    }
}

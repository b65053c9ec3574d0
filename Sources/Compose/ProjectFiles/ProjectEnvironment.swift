import Linux
import YAML

/// The variables that interpolation sees: the caller's, then those of `.env` or the env files given.
///
/// Source: `docker compose`'s documentation of environment variable precedence.
public struct ProjectEnvironment {
    private struct EnvFile {
        let path: String
        let shown: String
        /// Whether somebody asked for it by name.
        let isNamed: Bool
    }

    /// Every variable with its value.
    public private(set) var variables: [String: String]
    /// The env files that were read.
    private(set) var files: [ReadFile] = []
    private let options: ProjectOptions
    /// The directory whose `.env` was read; nil where files were named.
    private var directory: String?

    /// The variables before the project's directory is known: `COMPOSE_FILE` may stand in an `.env` file itself.
    ///
    /// - Parameter options: what the person asked for; of it only files, directories and the environment matter.
    /// - Returns: with the diagnostics of the env files in the reporter.
    init(_ options: ProjectOptions, _ reporter: Reporter) {
        self.options = options
        let start = ProjectFiles.startDirectory(options), named = Self.named(options)
        let found = Self.contents(of: named.isEmpty ? Self.inDirectory(start, options) : named)
        variables = Self.composeVariables(of: found, options)
        if variables["PWD"] == nil { variables["PWD"] = options.workingDirectory }
        if !named.isEmpty {
            take(found, reporter)
        } else if !isDisabled(reporter) {
            directory = start
            take(found, reporter)
        }
    }

    /// The caller's environment, and of `.env` the `COMPOSE_` variables, which work as if the caller had set them.
    ///
    /// - Parameter options: of it only files, directories and the environment matter.
    public static func withComposeVariables(_ options: ProjectOptions) -> [String: String] {
        let named = named(options)
        let files = named.isEmpty ? inDirectory(ProjectFiles.startDirectory(options), options) : named
        return composeVariables(of: contents(of: files), options)
    }

    private static func composeVariables(of contents: [Content], _ options: ProjectOptions) -> [String: String] {
        var values: [String: String] = [:]
        for content in contents {
            guard case .success(let bytes) = content.bytes else { return options.environment }
            let parsed = DotEnv.parse(bytes, file: content.file.shown, after: values) { options.environment[$0] }
            guard parsed.diagnostics.allSatisfy({ $0.severity != .error }) else { return options.environment }
            values.merge(parsed.values) { _, new in new }
        }
        return values.filter { $0.key.hasPrefix("COMPOSE_") }.merging(options.environment) { _, callers in callers }
    }

    /// Adds what the `.env` of the project's directory has besides, where that is another directory.
    mutating func add(directory: String, _ reporter: Reporter) {
        guard Self.named(options).isEmpty, directory != self.directory, !isDisabled(reporter) else { return }
        self.directory = directory
        take(Self.contents(of: Self.inDirectory(directory, options)), reporter)
    }

    mutating func set(_ name: String, _ value: String) {
        variables[name] = value
    }

    /// An env file's bytes, read once: it may be a pipe.
    private struct Content {
        let file: EnvFile
        let bytes: Result<[UInt8], FileReading.Problem>
        var readFile: ReadFile?
    }

    private static func contents(of files: [EnvFile]) -> [Content] {
        files.map { file in
            var readFile: ReadFile?
            let bytes = Result { () throws(FileReading.Problem) in try FileReading.read(file.path) { readFile = $0 } }
            return Content(file: file, bytes: bytes, readFile: readFile)
        }
    }

    private mutating func take(_ contents: [Content], _ reporter: Reporter) {
        var fromFiles: [String: String] = [:]
        let known = variables
        for content in contents {
            let file = content.file
            do {
                let parsed = DotEnv.parse(try content.bytes.get(), file: file.shown, after: fromFiles) { known[$0] }
                reporter.add(parsed.diagnostics)
                fromFiles.merge(parsed.values) { _, new in new }
                if let readFile = content.readFile { files.append(readFile) }
            } catch {
                guard file.isNamed || !error.isMissing else { continue }
                reporter.error(
                    "env file \(file.shown): \(error.reason)", remedy: error.isMissing ? "check --env-file" : nil)
            }
        }
        variables.merge(fromFiles) { known, _ in known }
    }

    /// What `--env-file` or `COMPOSE_ENV_FILES` names.
    private static func named(_ options: ProjectOptions) -> [EnvFile] {
        let fromVariable = (options.environment["COMPOSE_ENV_FILES"] ?? "").split(separator: ",").map(String.init)
        return (options.envFiles.isEmpty ? fromVariable : options.envFiles).map { name in
            EnvFile(path: Paths.absolute(name, from: options.workingDirectory, home: nil), shown: name, isNamed: true)
        }
    }

    private static func inDirectory(_ directory: String, _ options: ProjectOptions) -> [EnvFile] {
        let path = Paths.join(directory, ".env")
        guard FileReading.exists(path), !FileReading.isDirectory(path) else { return [] }
        return [EnvFile(path: path, shown: directory == options.workingDirectory ? ".env" : path, isNamed: false)]
    }

    private func isDisabled(_ reporter: Reporter) -> Bool {
        guard let text = variables["COMPOSE_DISABLE_ENV_FILE"] else { return false }
        guard let isDisabled = ScalarText.flag(text) else {
            if !reporter.hasErrors {
                reporter.error("COMPOSE_DISABLE_ENV_FILE must be true or false", remedy: "set it to 1 or 0, or unset it")
            }
            return false
        }
        return isDisabled
    }
}

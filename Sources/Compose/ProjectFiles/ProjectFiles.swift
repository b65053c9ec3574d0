import Linux
import YAML

/// Which files make up the project, and where it lies.
///
/// Source: `docker compose`'s documentation of `-f`, `COMPOSE_FILE` and `COMPOSE_PATH_SEPARATOR`.
struct ProjectFiles {
    static let defaultNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    static let overrideNames = [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
    ]

    struct File {
        /// As a person knows it: as given, or relative to where the command runs.
        let shownName: String
        /// Absolute, or `-`.
        let path: String
    }

    let files: [File]
    /// Absolute.
    let projectDirectory: String

    /// Finds the files; nil, with an error reported, where there are none.
    ///
    /// - Parameter environment: the caller's, with the `.env` of the directory that the search starts in.
    init?(_ options: ProjectOptions, environment: [String: String], _ reporter: Reporter) {
        guard let given = Self.given(options, environment, reporter) else { return nil }
        let start = Self.startDirectory(options)
        if !given.isEmpty {
            guard !given.contains(where: { reporter.refusesRemote($0, at: nil, attribute: "") }) else { return nil }
            files = given.map { name in
                File(shownName: name, path: name == "-" ? "-" : Paths.join(options.workingDirectory, name))
            }
        } else {
            guard let found = Self.search(from: start, options, reporter) else {
                reporter.error(
                    "no configuration file provided: not found: \(start) and its parents have no "
                        + Self.defaultNames.joined(separator: ", "),
                    remedy: "name the file with -f, or change to the project's directory")
                return nil
            }
            files = found
        }
        projectDirectory = Self.directory(options, files: files.map(\.path))
    }

    /// Where the project lies as far as the command line says, and so where the search for its files starts; absolute.
    static func startDirectory(_ options: ProjectOptions) -> String {
        directory(options, files: options.files)
    }

    /// `--project-directory`, otherwise the directory of the first file, otherwise where the command runs.
    private static func directory(_ options: ProjectOptions, files: [String]) -> String {
        if let named = options.projectDirectory, !named.isEmpty { return Paths.join(options.workingDirectory, named) }
        guard let first = files.first(where: { $0 != "-" }) else { return options.workingDirectory }
        return Paths.directory(of: Paths.join(options.workingDirectory, first))
    }

    /// The files that the command line or `COMPOSE_FILE` names; nil, with an error reported, for an empty name.
    private static func given(
        _ options: ProjectOptions, _ environment: [String: String], _ reporter: Reporter
    ) -> [String]? {
        if !options.files.isEmpty { return options.files }
        guard let variable = environment["COMPOSE_FILE"] else { return [] }
        let separator = environment["COMPOSE_PATH_SEPARATOR"].flatMap { $0.isEmpty ? nil : $0 } ?? ":"
        let names = Text.parts(variable, between: separator)
        guard !names.contains("") else {
            reporter.error("COMPOSE_FILE has an empty file name", remedy: "name a file, or unset it")
            return nil
        }
        return names
    }

    private static func search(
        from start: String, _ options: ProjectOptions, _ reporter: Reporter
    ) -> [File]? {
        var directory = start
        while true {
            let names = existing(defaultNames, in: directory)
            if let name = names.first {
                warn("config", names, reporter)
                let overrides = existing(overrideNames, in: directory)
                warn("override", overrides, reporter)
                return ([name] + overrides.prefix(1)).map { name in
                    let path = Paths.join(directory, name)
                    return File(shownName: directory == options.workingDirectory ? name : path, path: path)
                }
            }
            guard directory != "/" else { return nil }
            directory = Paths.directory(of: directory)
        }
    }

    private static func existing(_ names: [String], in directory: String) -> [String] {
        names.filter { FileReading.exists(Paths.join(directory, $0)) }
    }

    private static func warn(_ kind: String, _ names: [String], _ reporter: Reporter) {
        guard names.count > 1 else { return }
        reporter.warning(
            "found multiple \(kind) files with supported names: \(names.joined(separator: ", ")); using \(names[0])",
            remedy: "keep one of them, or name the files with -f")
    }
}

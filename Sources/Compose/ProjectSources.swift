import Linux
import YAML

/// What a project is loaded from: its files, its name, and the variables they see.
struct ProjectSources {
    let files: ProjectFiles
    let documents: [(path: String, documents: [Node])]
    let name: String
    let environment: [String: String]
    /// The env files that these variables come from.
    let envFiles: [ReadFile]

    /// nil, with an error reported, where there are no files or there is no name.
    init?(_ options: ProjectOptions, _ loading: SourceLoading) {
        let reporter = loading.reporter
        var variables = ProjectEnvironment(options, reporter)
        guard let files = ProjectFiles(options, environment: variables.variables, reporter) else {
            loading.knownName = Self.givenName(options, variables.variables).flatMap { projectNameProblem($0) == nil ? $0 : nil }
            return nil
        }
        let directory = files.projectDirectory
        loading.projectDirectory = directory
        variables.add(directory: directory, reporter)
        documents = files.files.map { file in
            (path: file.path, documents: loading.documents(file.path, shownAs: file.shownName, base: directory) ?? [])
        }
        let interpolation = loading.interpolates ? Interpolation(environment: variables.variables, reporter: reporter) : nil
        guard let name = Self.name(
            options, variables.variables, directory, documents.flatMap(\.documents), interpolation, reporter)
        else { return nil }
        // A file that cannot be read may have another name in it.
        let isCertain = !reporter.hasErrors || Self.givenName(options, variables.variables) != nil
        loading.knownName = isCertain ? name : nil
        variables.set("COMPOSE_PROJECT_NAME", name)
        self.files = files
        self.name = name
        environment = variables.variables
        envFiles = variables.files
    }

    /// The name that goes before whatever the files say: `-p` or `COMPOSE_PROJECT_NAME`.
    private static func givenName(_ options: ProjectOptions, _ environment: [String: String]) -> String? {
        [options.projectName, environment["COMPOSE_PROJECT_NAME"]].compactMap(\.self).first { !$0.isEmpty }
    }

    /// `-p`, `COMPOSE_PROJECT_NAME`, the last `name:` of the files, or the directory's name; nil with an error reported.
    private static func name(
        _ options: ProjectOptions, _ environment: [String: String], _ directory: String, _ documents: [Node],
        _ interpolation: Interpolation?, _ reporter: Reporter
    ) -> String? {
        if let given = givenName(options, environment) {
            guard let problem = projectNameProblem(given) else { return given }
            let suggestion = normalizedProjectName(given)
            reporter.error(problem, remedy: suggestion.isEmpty ? nil : "for example \(suggestion)")
            return nil
        }
        let named = documents.compactMap { $0["name"] }.last { $0.string?.isEmpty == false }
        let text = named.flatMap { interpolation?.text($0) ?? $0.string } ?? Paths.lastComponent(of: directory)
        let name = normalizedProjectName(text)
        guard !name.isEmpty else {
            // The name may stand in a file that could not be read.
            if named == nil, reporter.hasErrors { return nil }
            reporter.error(
                "project name must not be empty: nothing of '\(text)' can be used", at: named?.place, attribute: "name",
                remedy: "give one with `name:` or -p")
            return nil
        }
        return name
    }
}

import Linux
import YAML

/// Loads a project: finds its files, reads them, and resolves them into the model.
///
/// Every stage reports what it finds and goes on with what is right, so that one run shows every error of every file.
///
/// Source: the Compose specification, <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.
public func loadProject(_ options: ProjectOptions) -> LoadResult {
    let reporter = Reporter(options.purpose)
    let loading = SourceLoading(options, reporter)
    let start = ProjectFiles.startDirectory(options)
    // COMPOSE_FILE may stand in an .env file, which is looked at before the project's directory is known.
    let early = options.files.isEmpty ? ProjectEnvironment.load(options, directory: start, nil) : options.environment
    guard let files = ProjectFiles(options, environment: early, reporter) else {
        return LoadResult(project: nil, diagnostics: reporter.sorted())
    }
    let directory = files.projectDirectory
    var environment = ProjectEnvironment.load(options, directory: directory, reporter)
    let sources = files.files.map { file in
        (path: file.path, documents: loading.documents(file.path, shownAs: file.shownName, base: directory) ?? [])
    }
    guard let name = projectName(options, environment, directory, sources.flatMap(\.documents), reporter) else {
        return LoadResult(project: nil, diagnostics: reporter.sorted())
    }
    environment["COMPOSE_PROJECT_NAME"] = name
    let set = FileSet(loading: loading, baseDirectory: directory, environment: environment)
    guard let canonical = set.merged(sources) else {
        return LoadResult(project: nil, diagnostics: reporter.sorted())
    }
    let resolution = Resolution(canonical, name: name, loading: loading, environment: environment)
    let stack = resolution.stack(workingDirectory: directory, composeFiles: files.files.map(\.path))
    let project = LoadedProject(
        stack: stack, environment: environment, canonical: resolution.project, services: resolution.enabled)
    return LoadResult(
        project: reporter.hasErrors ? nil : project,
        diagnostics: reporter.sorted(disabled: Set(stack.disabledServices)))
}

/// `-p`, `COMPOSE_PROJECT_NAME`, the last `name:` of the files, or the directory's name; nil with an error reported.
private func projectName(
    _ options: ProjectOptions, _ environment: [String: String], _ directory: String, _ documents: [Node],
    _ reporter: Reporter
) -> String? {
    if let given = options.projectName ?? environment["COMPOSE_PROJECT_NAME"].flatMap({ $0.isEmpty ? nil : $0 }) {
        guard let problem = projectNameProblem(given) else { return given }
        let suggestion = normalizedProjectName(given)
        reporter.error(problem, remedy: suggestion.isEmpty ? nil : "for example \(suggestion)")
        return nil
    }
    let named = documents.compactMap { $0["name"] }.last { $0.string?.isEmpty == false }
    let interpolation = Interpolation(environment: environment, reporter: reporter)
    let text = named.flatMap { interpolation.apply($0).string } ?? Paths.lastComponent(of: directory)
    let name = normalizedProjectName(text)
    guard !name.isEmpty else {
        reporter.error(
            "project name must not be empty: nothing of '\(text)' can be used", at: named?.place, attribute: "name",
            remedy: "give one with `name:` or -p")
        return nil
    }
    return name
}

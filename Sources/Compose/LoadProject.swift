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
    var variables = ProjectEnvironment(options, reporter)
    guard let files = ProjectFiles(options, environment: variables.variables, reporter) else {
        let name = givenName(options, variables.variables).flatMap { projectNameProblem($0) == nil ? $0 : nil }
        return LoadResult(project: nil, projectName: name, diagnostics: reporter.sorted())
    }
    let directory = files.projectDirectory
    variables.add(directory: directory, reporter)
    let sources = files.files.map { file in
        (path: file.path, documents: loading.documents(file.path, shownAs: file.shownName, base: directory) ?? [])
    }
    guard let name = projectName(options, variables.variables, directory, sources.flatMap(\.documents), reporter) else {
        return LoadResult(project: nil, projectName: nil, diagnostics: reporter.sorted())
    }
    // A file that cannot be read may have another name in it.
    let knownName = reporter.hasErrors && givenName(options, variables.variables) == nil ? nil : name
    variables.set("COMPOSE_PROJECT_NAME", name)
    let environment = variables.variables
    let set = FileSet(loading: loading, baseDirectory: directory, environment: environment)
    guard let canonical = set.merged(sources), canonical.mapping?.isEmpty == false else {
        if !reporter.hasErrors { reportEmpty(files, reporter) }
        return LoadResult(project: nil, projectName: knownName, diagnostics: reporter.sorted())
    }
    let resolution = Resolution(canonical, name: name, loading: loading, environment: environment)
    let stack = resolution.stack(workingDirectory: directory, composeFiles: files.files.map(\.path))
    let project = LoadedProject(
        stack: stack, environment: environment, files: loading.files, canonical: resolution.project, services: resolution.enabled)
    return LoadResult(
        project: reporter.hasErrors ? nil : project, projectName: knownName,
        diagnostics: reporter.sorted(disabled: Set(stack.disabledServices)))
}

private func reportEmpty(_ files: ProjectFiles, _ reporter: Reporter) {
    for file in files.files {
        reporter.add(
            Diagnostic(
                .error, "empty compose file", at: SourceLocation(file: file.shownName, line: 1, column: 1),
                remedy: "describe at least one service under `services:`"))
    }
}

/// `-p`, `COMPOSE_PROJECT_NAME`, the last `name:` of the files, or the directory's name; nil with an error reported.
private func projectName(
    _ options: ProjectOptions, _ environment: [String: String], _ directory: String, _ documents: [Node],
    _ reporter: Reporter
) -> String? {
    if let given = givenName(options, environment) {
        guard let problem = projectNameProblem(given) else { return given }
        let suggestion = normalizedProjectName(given)
        reporter.error(problem, remedy: suggestion.isEmpty ? nil : "for example \(suggestion)")
        return nil
    }
    let named = documents.compactMap { $0["name"] }.last { $0.string?.isEmpty == false }
    let interpolation = Interpolation(environment: environment, reporter: reporter)
    let text = named.flatMap(interpolation.text) ?? Paths.lastComponent(of: directory)
    let name = normalizedProjectName(text)
    guard !name.isEmpty else {
        reporter.error(
            "project name must not be empty: nothing of '\(text)' can be used", at: named?.place, attribute: "name",
            remedy: "give one with `name:` or -p")
        return nil
    }
    return name
}

/// The name that goes before whatever the files say: `-p` or `COMPOSE_PROJECT_NAME`.
private func givenName(_ options: ProjectOptions, _ environment: [String: String]) -> String? {
    [options.projectName, environment["COMPOSE_PROJECT_NAME"]].compactMap(\.self).first { !$0.isEmpty }
}

import YAML

/// Loads a project: finds its files, reads them, and resolves them into the model.
///
/// Every stage reports what it finds and goes on with what is right, so that one run shows every error of every file.
///
/// Source: the Compose specification, <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.
public func loadProject(_ options: ProjectOptions) -> LoadResult {
    let reporter = Reporter(options.purpose)
    let loading = SourceLoading(options, reporter)
    guard let sources = ProjectSources(options, loading), let canonical = merged(sources, loading) else {
        return LoadResult(project: nil, projectName: loading.knownName, diagnostics: reporter.sorted())
    }
    let environment = sources.environment
    let resolution = Resolution(canonical, name: sources.name, loading: loading, environment: environment)
    let stack = resolution.stack(
        workingDirectory: sources.files.projectDirectory, composeFiles: sources.files.files.map(\.path))
    let project = LoadedProject(
        stack: stack, environment: environment, envFiles: sources.envFiles, files: loading.files, canonical: resolution.project,
        services: resolution.enabled)
    return LoadResult(
        project: reporter.hasErrors ? nil : project, projectName: loading.knownName,
        diagnostics: reporter.sorted(disabled: Set(stack.disabledServices)))
}

/// Loads a project without putting the values of variables into it: its files merged, short forms of attributes
/// that variables can't hide made long, and what follows from them added.
///
/// Services are left as they are whatever their profiles, and so are resources that none of them uses.
public func loadUninterpolatedModel(_ options: ProjectOptions) -> (model: UninterpolatedModel?, diagnostics: [Diagnostic]) {
    let reporter = Reporter(options.purpose)
    let loading = SourceLoading(options, reporter, interpolates: false)
    guard let sources = ProjectSources(options, loading), let merged = merged(sources, loading) else { return (nil, reporter.sorted()) }
    let model = UninterpolatedModel(merged, name: sources.name, loading: loading)
    return (reporter.hasErrors ? nil : model, reporter.sorted())
}

/// Finds out what a project is called and which services its files have, whatever their profiles, which takes half as long as to load it.
///
/// What is wrong within services, or between them, is not always found.
public func loadOutline(_ options: ProjectOptions) -> OutlineResult {
    let reporter = Reporter(options.purpose)
    let loading = SourceLoading(options, reporter)
    var services: [String]?
    if let sources = ProjectSources(options, loading), let document = merged(sources, loading), !reporter.hasErrors {
        services = (document["services"]?.mapping?.entries ?? []).filter { $0.value.mapping != nil }.map(\.key)
    }
    return OutlineResult(projectName: loading.knownName, services: services, diagnostics: reporter.sorted())
}

/// What the files say together; nil, with an error reported, where that is nothing.
private func merged(_ sources: ProjectSources, _ loading: SourceLoading) -> Node? {
    let set = FileSet(
        loading: loading, baseDirectory: sources.files.projectDirectory, environment: sources.environment)
    let merged = set.merged(sources.documents)
    if let merged, merged.mapping?.isEmpty == false { return merged }
    if !loading.reporter.hasErrors {
        let names = sources.files.files.map(\.shownName)
        let place = names.first.map { Place(SourceText(file: $0, bytes: []), line: 1, column: 1) }
        loading.reporter.error(
            names.count == 1 ? "empty compose file" : "empty compose files: \(names.joined(separator: ", "))", at: place,
            remedy: "describe at least one service under `services:`")
    }
    return nil
}

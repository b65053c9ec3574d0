import JSON
import YAML

/// A project as its files, the environment and the command line describe it.
public struct LoadedProject: Sendable {
    public var stack: Stack
    /// What interpolation saw: the caller's environment, and below it `.env` or the env files given.
    public var environment: [String: String]
    /// The env files that these variables come from.
    public var envFiles: [ReadFile]
    /// The files that were read besides: Compose files, those that they include or extend, and the env files that they name.
    public var files: [ReadFile]

    private let canonical: Node
    private let services: [Mapping.Entry]

    init(
        stack: Stack, environment: [String: String], envFiles: [ReadFile], files: [ReadFile], canonical: Node, services: [Mapping.Entry]
    ) {
        self.stack = stack
        self.environment = environment
        self.envFiles = envFiles
        self.files = files
        self.canonical = canonical
        self.services = services
    }

    /// The resolved model in canonical form and Compose's order, dollar signs doubled; made when it is asked for.
    public var document: JSONValue { document(.yaml) }

    func document(_ form: CanonicalDocument.Form) -> JSONValue {
        CanonicalDocument(form: form).project(canonical, name: stack.name, services: services)
    }
}

/// What loading gives: a project unless there are errors, and everything worth saying.
public struct LoadResult: Sendable {
    /// nil when there are errors.
    public var project: LoadedProject?
    /// The project's name as far as it is certain; there may be one where the files have errors, for what runs already.
    public var projectName: String?
    /// In the order of the files and their lines.
    public var diagnostics: [Diagnostic]
}

/// What an outline says.
public struct OutlineResult: Sendable {
    /// As far as it is certain.
    public var projectName: String?
    /// Every service of the files, in their order; nil where there are errors.
    public var services: [String]?
    /// In the order of the files and their lines.
    public var diagnostics: [Diagnostic]
}

import Compose
import Glibc
import Linux
import Terminal
import YAML

extension Invocation {
    /// Loads the project that the global options name and prints its diagnostics.
    ///
    /// - Parameters:
    ///   - services: names that were given; they enable their profiles and dependencies. Empty: all.
    ///   - purpose: what the caller does with the project.
    ///   - quietly: leaves out warnings, for commands that only need the project's name.
    ///   - launching: leaves out warnings of what the command is about to refuse as errors: see `Service.refusals`.
    /// - Throws: `CommandFailure` where the files have errors, after printing them all.
    func loadProject(
        services: [String] = [], for purpose: ProjectOptions.Purpose = .running, quietly: Bool = false, launching: Bool = false
    ) throws(CommandFailure) -> LoadedProject {
        let options = ProjectOptions(
            files: values("file"), projectName: value("project-name"), projectDirectory: value("project-directory"),
            envFiles: values("env-file"), profiles: values("profile"), services: services, purpose: purpose,
            workingDirectory: workingDirectory, environment: environment,
            standardInput: {
                let input = FileDescriptor(owning: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3))
                return ((try? input.readAll()) ?? nil) ?? []
            })
        let result = Compose.loadProject(options)
        let launched = launching ? result.project?.stack.services.filter { !$0.needsImage } : nil
        let refused = Set(launched?.flatMap { $0.refusals.map(\.attribute) } ?? [])
        for diagnostic in result.diagnostics where diagnostic.severity == .error || !quietly && !refused.contains(diagnostic.attribute) {
            streams.report(diagnostic)
        }
        guard let project = result.project else { throw CommandFailure.alreadyReported }
        return project
    }

    /// The project's name for a command that acts on what runs: `-p` alone will do, without any file.
    func projectName() throws(CommandFailure) -> String {
        if let name = value("project-name") ?? environment["COMPOSE_PROJECT_NAME"], !name.isEmpty {
            if let problem = projectNameProblem(name) { throw CommandFailure(problem) }
            return name
        }
        return try loadProject(quietly: true).stack.name
    }
}

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
    /// - Throws: `CommandFailure` where the files have errors, after printing them all.
    func loadProject(
        services: [String] = [], for purpose: ProjectOptions.Purpose = .running, quietly: Bool = false
    ) throws(CommandFailure) -> LoadedProject {
        let result = Compose.loadProject(projectOptions(services: services, for: purpose))
        for diagnostic in result.diagnostics where !quietly || diagnostic.severity == .error {
            streams.report(diagnostic)
        }
        guard let project = result.project else { throw CommandFailure.alreadyReported }
        return project
    }

    /// Loads the project's files with their variables left in, and prints the diagnostics.
    ///
    /// - Throws: `CommandFailure` where the files have errors, after printing them all.
    func loadUninterpolatedModel() throws(CommandFailure) -> UninterpolatedModel {
        let result = Compose.loadUninterpolatedModel(projectOptions(for: .printing))
        for diagnostic in result.diagnostics { streams.report(diagnostic) }
        guard let model = result.model else { throw CommandFailure.alreadyReported }
        return model
    }

    /// What the command line and the environment ask for.
    func projectOptions(services: [String] = [], for purpose: ProjectOptions.Purpose) -> ProjectOptions {
        var options = ProjectOptions(
            files: values("file"), projectName: value("project-name"), projectDirectory: value("project-directory"),
            envFiles: values("env-file"), profiles: values("profile"), services: services, purpose: purpose,
            workingDirectory: workingDirectory, environment: environment,
            standardInput: {
                let input = FileDescriptor(owning: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3))
                return ((try? input.readAll()) ?? nil) ?? []
            })
        options.steps.normalizes = !flag("no-normalize")
        options.steps.resolvesPaths = !flag("no-path-resolution")
        options.steps.checksConsistency = !flag("no-consistency")
        return options
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

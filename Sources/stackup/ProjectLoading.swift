import Compose
import Glibc
import Linux
import Reconciler
import Runner
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
        let diagnostics = result.diagnostics + (result.project?.stack.generatorProblems(for: purpose) ?? [])
        streams.report(
            quietly ? diagnostics.filter { $0.severity == .error } : withoutMissing(diagnostics, of: result.project?.stack, for: purpose))
        guard let project = result.project, !diagnostics.contains(where: { $0.severity == .error }) else {
            throw CommandFailure.alreadyReported
        }
        return project
    }

    /// Loads the project's files with their variables left in, and prints the diagnostics.
    ///
    /// - Throws: `CommandFailure` where the files have errors, after printing them all.
    func loadUninterpolatedModel(for purpose: ProjectOptions.Purpose) throws(CommandFailure) -> UninterpolatedModel {
        let result = Compose.loadUninterpolatedModel(projectOptions(for: purpose))
        streams.report(result.diagnostics)
        guard let model = result.model else { throw CommandFailure.alreadyReported }
        return model
    }

    /// What the command line and the environment ask for.
    func projectOptions(services: [String] = [], for purpose: ProjectOptions.Purpose) -> ProjectOptions {
        var options = ProjectOptions(
            files: values("file"), projectName: value("project-name"), projectDirectory: value("project-directory"),
            envFiles: values("env-file"), profiles: values("profile"), services: services, purpose: purpose,
            workingDirectory: workingDirectory, environment: environment,
            standardInput: { () throws(SystemCallError) in
                let input = FileDescriptor(owning: try retryingInterrupts("fcntl") { fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) })
                return try input.readAll(limit: projectFileLimit)
            })
        options.steps.normalizes = !flag("no-normalize")
        options.steps.resolvesPaths = !flag("no-path-resolution")
        options.steps.checksConsistency = !flag("no-consistency")
        return options
    }

    /// The stack that a command on what runs is about. With `-p` and without `-f` no file is read, as in Compose;
    /// and files with errors are no reason to leave a stack alone whose name can be told.
    ///
    /// - Throws: `CommandFailure` where it has no name, after saying why.
    func targetStack() throws(CommandFailure) -> TargetStack {
        if let name = value("project-name"), values("file").isEmpty {
            if let problem = projectNameProblem(name) { throw CommandFailure(problem) }
            return TargetStack(name: name, definedServices: nil)
        }
        // What would keep services from being started is of no matter here.
        let result = Compose.loadOutline(projectOptions(services: [], for: .printing))
        if let name = result.projectName, let services = result.services { return TargetStack(name: name, definedServices: Set(services)) }
        let errors = result.diagnostics.filter { $0.severity == .error }
        guard let name = result.projectName else {
            streams.report(errors)
            // Without files there is nothing uncertain: that there are none says it all.
            if errors.allSatisfy({ $0.location == nil }) { throw CommandFailure.alreadyReported }
            throw CommandFailure("the name of the stack is not certain while the Compose files cannot be read; give its name with -p")
        }
        // Whoever names the stack in the environment may have no files here at all.
        if !values("file").isEmpty || environment["COMPOSE_PROJECT_NAME"]?.isEmpty ?? true {
            streams.warn("the Compose files have errors, which 'stackup config -q' shows; going on with what runs of '\(name)'")
        }
        return TargetStack(name: name, definedServices: nil)
    }
}

/// What a command on what runs is about.
struct TargetStack {
    let name: String
    /// Those of the files, whatever their profiles; nil where no files were asked for, or where they have errors.
    let definedServices: Set<String>?

    init(name: String, definedServices: Set<String>?) {
        self.name = name
        self.definedServices = definedServices
    }

    init(_ stack: Stack) {
        self.init(name: stack.name, definedServices: Set(stack.services.map(\.name) + stack.disabledServices))
    }

    /// What starts a service that doesn't run: `up` can't start what no file defines.
    func startingCommand(of service: String, _ observed: ObservedState) -> String {
        let isDefined = definedServices?.contains(service) ?? !observed.replicas.contains { $0.service == service }
        return isDefined ? "stackup up -d \(service)" : "stackup start \(service)"
    }

    /// Whoever asks for an end while one is under way must not wait for the time that was given first: neither for the lock of the
    /// command that gave it, nor in the supervisor's queue. What is in the way of it shows when the end itself is asked for.
    ///
    /// - Parameter services: as given; empty: all of the stack, or of its files.
    /// - Returns: an event for each instance that was found stopping.
    func hasten(_ invocation: Invocation, services: [String], timeoutMilliseconds: Int64?) -> [InstanceEvent] {
        var stopping: [InstanceEvent] = []
        let supervisor = try? SupervisorClient.connect(invocation.paths.directories(of: name))
        try? supervisor?.hasten(services: services.isEmpty ? definedServices?.sorted() : services, timeoutMilliseconds: timeoutMilliseconds) {
            stopping.append($0)
        }
        return stopping
    }

    /// The services that a command was given, checked against those of the files, or of the stack as last applied where there are
    /// no files, and what is there.
    ///
    /// - Parameters:
    ///   - names: as given; empty: all.
    ///   - record: the stack as last applied.
    /// - Returns: nil where none was given; a one-off's key for its name.
    /// - Throws: `CommandFailure` for a name that nothing has.
    func services(
        named names: [String], observed: ObservedState, record: @autoclosure () -> StackRecord?
    ) throws(CommandFailure) -> [String]? {
        guard !names.isEmpty else { return nil }
        var known = Set(observed.replicas.map(\.service))
        known.formUnion(definedServices ?? Set(record()?.services.keys.map { $0 } ?? []))
        let oneOffs = Dictionary(observed.oneOffs.map { ($0.name(in: self.name), $0.service) }, uniquingKeysWith: { first, _ in first })
        // Without files it is not known what could be meant.
        guard definedServices != nil || !known.isEmpty || !oneOffs.isEmpty else {
            throw CommandFailure("stack '\(self.name)' does not run; 'stackup ls' lists those that do")
        }
        return try names.map { name throws(CommandFailure) in
            if known.contains(name) { return name }
            guard let key = oneOffs[name] else { throw .unknown("service", name, among: known) }
            return key
        }
    }
}

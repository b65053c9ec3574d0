import Compose
import Glibc
import Linux
import Reconciler
import Runner
import Words

/// What `run` was asked for: a service, with what the command line puts in the place of what the files say of it.
struct OneOffRequest {
    let service: Service
    let oneOff: OneOff
    /// What it has in a service's name's place.
    let key: String
    /// Whether what the service depends on is to be there first.
    let startsDependencies: Bool

    /// Where `--volume` mounts something.
    let mountedTargets: Set<String>

    private let slug: String

    /// - Throws: `UsageError` or `CommandFailure` for what can't be.
    init(_ name: String, command: [String], of project: LoadedProject, _ invocation: Invocation) throws {
        guard var service = project.stack.service(name) else {
            throw CommandFailure.unknown("service", name, among: project.stack.services.map(\.name))
        }
        if let entrypoint = invocation.value("entrypoint") {
            do {
                let (words, end) = try ShellWords.command(in: entrypoint)
                service.entrypoint = words
                if let end {
                    invocation.streams.warn(
                        "no shell runs '--entrypoint': what follows '\(ShellWords.operatorText(in: entrypoint, at: end))' is left out; "
                            + "for a shell to run all of it write --entrypoint sh, and after the service: -c '…'")
                }
            } catch {
                throw invocation.arguments.usageError("option '--entrypoint' is no command line: \(entrypoint)", remedy: "close its quotes")
            }
            if command.isEmpty { service.command = [] }
        }
        if !command.isEmpty { service.command = command }
        // What is wrong with an option is said of the option; the rest has its place in a file.
        _ = try invocation.namedUser(among: try invocation.identities(for: project.stack))
        if let user = invocation.value("user") { service.user = user }
        if let directory = invocation.value("workdir") { service.workingDirectory = directory }
        service.environment.merge(try Self.variables(of: project, invocation)) { _, new in new }
        service.labels.merge(try Self.labels(invocation)) { _, new in new }
        mountedTargets = try Self.mount(invocation.values("volume"), in: &service, of: project, invocation)
        try Self.grant(invocation.values("cap-add"), dropping: invocation.values("cap-drop"), &service, isRoot: invocation.user == 0)
        self.service = service
        startsDependencies = !invocation.flag("no-deps")
        slug = Self.randomSlug()
        key = OneOff.key(service: name, slug: slug)
        let given = invocation.value("name")
        if let given { try Self.check(name: given, invocation) }
        oneOff = OneOff(
            service: name, name: given ?? "\(project.stack.name)-\(name)-run-\(slug)", isRemovedAtEnd: invocation.flag("rm"),
            labels: service.labels.isEmpty ? nil : service.labels)
    }

    /// A name of its own, which one that is there already must not have.
    func checkName(_ observed: ObservedState) throws(CommandFailure) {
        guard observed.oneOffs.contains(where: { $0.oneOff?.name == oneOff.name }) else { return }
        throw CommandFailure("there is a one-off of the name '\(oneOff.name)' already; give another --name, or remove it with: stackup up -d --remove-orphans")
    }

    /// The services that are to run before it.
    func dependencies(in project: LoadedProject) -> [Service] {
        startsDependencies ? project.stack.services.filter { $0.name != service.name } : []
    }

    /// How it is launched, given how an instance of the service would be: once, and by itself.
    func launchPlan(from plan: LaunchPlan) -> LaunchPlan {
        var plan = plan
        plan.service = key
        plan.oneOff = oneOff
        plan.replicas = 1
        // As a container's is its id.
        plan.hostname = plan.hostname ?? slug
        plan.restart = .no
        plan.restartLimits = nil
        // They are made for the service's own command.
        plan.healthCheck = nil
        plan.postStart = nil
        plan.preStop = nil
        plan.dependencies = startsDependencies
            ? plan.dependencies.map { Runner.Dependency($0.service, $0.condition, isRequired: $0.isRequired) } : []
        return plan
    }

    private static func randomSlug() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        return String((0..<OneOff.slugLength).map { _ in digits[Int(generator.next(upperBound: 16 as UInt))] })
    }

    private static func check(name: String, _ invocation: Invocation) throws {
        let bytes = Array(name.utf8)
        func isPlain(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let others = Array("_.-".utf8)
        guard (2...200).contains(bytes.count), isPlain(bytes[0]), bytes.allSatisfy({ isPlain($0) || others.contains($0) }) else {
            throw invocation.arguments.usageError(
                "option '--name' needs a name of at least two letters, digits, '_', '.' and '-', not '\(name)'",
                remedy: "begin it with a letter or a digit; it may have 200 characters")
        }
    }

    /// Those of files first; one without a value has the caller's, or is none.
    private static func variables(of project: LoadedProject, _ invocation: Invocation) throws -> [String: String] {
        var variables: [String: String] = [:]
        for path in invocation.values("env-from-file") {
            let file = EnvFile.read(path, from: invocation.workingDirectory) { project.environment[$0] }
            invocation.streams.report(file.diagnostics)
            guard file.diagnostics.allSatisfy({ $0.severity != .error }) else { throw CommandFailure.alreadyReported }
            variables.merge(file.variables) { _, new in new }
        }
        for entry in invocation.values("env") {
            if let equals = entry.firstIndex(of: "=") {
                variables[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
            } else if let value = project.environment[entry] {
                variables[entry] = value
            }
        }
        return variables
    }

    private static func labels(_ invocation: Invocation) throws -> [String: String] {
        var labels: [String: String] = [:]
        for entry in invocation.values("label") {
            guard let equals = entry.firstIndex(of: "=") else {
                throw invocation.arguments.usageError("option '--label' needs KEY=VALUE, not '\(entry)'")
            }
            labels[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        return labels
    }

    /// What is mounted at the same target gives way.
    ///
    /// - Returns: the targets.
    private static func mount(
        _ texts: [String], in service: inout Service, of project: LoadedProject, _ invocation: Invocation
    ) throws -> Set<String> {
        var targets = Set<String>()
        for text in texts {
            let mount: Compose.ServiceMount
            do {
                mount = try Compose.ServiceMount(
                    shortForm: text, from: invocation.workingDirectory, home: invocation.environment["HOME"],
                    volumes: project.stack.volumes.map(\.key))
            } catch {
                throw CommandFailure(error.description)
            }
            service.mounts.removeAll { $0.target == mount.target }
            service.mounts.append(mount)
            targets.insert(mount.target)
        }
        return targets
    }

    private static func grant(_ added: [String], dropping dropped: [String], _ service: inout Service, isRoot: Bool) throws(CommandFailure) {
        if !isRoot, !added.isEmpty { throw CommandFailure("option '--cap-add' needs root; leave it out, or start the stack as root") }
        for name in added + dropped where name.uppercased() != "ALL" && Capabilities.number(name) == nil {
            throw CommandFailure("option '\(added.contains(name) ? "--cap-add" : "--cap-drop")': '\(name)' is not a capability; capabilities(7) lists them")
        }
        service.capAdd = service.capAdd.filter { !dropped.contains($0) } + added
        service.capDrop = service.capDrop.filter { !added.contains($0) } + dropped
    }
}

import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup exec`: a command inside a running instance.
enum Exec {
    static let command = Command(
        "exec", summary: "Run a command inside a running service",
        discussion: """
            The command sees what the service sees: its mounts, its secrets, its processes. It has the service's
            environment, user and capabilities, and a terminal when there is one. Its exit status is passed on. A one-off
            of 'run' goes by its own name, as 'ps -a' shows it.
            """,
        examples: [
            .init("stackup exec db psql -U app", "a session in the database"),
            .init("stackup exec -T web cat /run/secrets/api_key > key", "without a terminal, for scripts"),
            .init("stackup exec shop-web-run-1a2b3c4d5e6f sh", "inside what 'run' has started"),
            .init("stackup exec -u root -e DEBUG=1 web sh", "as somebody else, with one more variable"),
        ],
        options: [
            .flag("no-tty", short: "T", help: "Don't give it a terminal"),
            .flag("interactive", short: "i", help: "Accepted for Docker's sake: standard input is always passed on"),
            .flag("tty", short: "t", help: "Accepted for Docker's sake: there is a terminal wherever there can be one"),
            .value("user", short: "u", "USER", help: "Run as this user"),
            .value("workdir", short: "w", "DIR", help: "Its working directory"),
            .repeated("env", short: "e", "KEY=VALUE", help: "A variable"),
            .value("index", "N", help: "The instance, if the service has several (default 1)"),
        ],
        arguments: [.init("SERVICE"), .init("COMMAND", .atLeastOne)], stopsAtFirstPositional: true)

    static func run(_ invocation: Invocation) throws -> Int32 {
        let service = invocation.operands[0]
        let index = try invocation.arguments.integer("index", in: 1...Int.max) ?? 1
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .observing)
        let state = try session.observe()
        // A one-off's key for its name.
        let key = try target.services(named: [service], observed: state, record: session.record)?[0] ?? service
        let instance = try state.runningInstance(index, of: key, in: target)
        guard let pid = instance.pid, let startTime = instance.startTime, let plan = try plan(of: instance, key: key, session) else {
            throw CommandFailure("service '\(service)' is not running; start it with: stackup up -d \(service)")
        }
        // The command may run for days; the store's keys are of no use to it.
        _ = consume session
        invocation.forgetKeys()
        let user = try invocation.namedUser(among: PossibleIdentities.of(process: pid, startedBy: invocation.user) ?? .unlimited(for: invocation.user)) ?? plan.user
        let terminal = !invocation.flag("no-tty") && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        let variables = environment(plan, invocation, instance: instance, terminal: terminal)
        let relay = try CommandRelay(terminal: terminal)
        try relay.catchSignals()
        do {
            let status = try ServiceExec.run(
                inInstance: pid, startTime: startTime, runtimePath: invocation.paths.directories(of: target.name).runtime,
                groups: instance.groups, arguments: Array(invocation.operands.dropFirst()),
                environment: variables, user: user, capabilities: plan.capabilities, filter: plan.filter, namespaces: plan.namespaces,
                hasPrivateCgroupNamespace: plan.hasPrivateCgroupNamespace == true,
                limits: plan.limits, oomScoreAdjustment: plan.oomScoreAdjustment,
                workingDirectory: invocation.value("workdir") ?? plan.workingDirectory,
                initExecutable: try Installation.executable(.initProcess), standardStreams: relay.commandStreams,
                terminal: terminal ? relay.attach : nil, attend: relay.run)
            relay.endAsTheCommandDid(status)
            return status
        } catch let error as LaunchError {
            invocation.streams.fail(error.description)
            return error.exitStatus
        }
    }

    /// How an instance was launched, which says as whom it runs and what it may do. What is recorded needs the store; while that is locked the
    /// supervisor says it, and of one-offs nobody else can.
    ///
    /// - Parameter key: of its service.
    /// - Returns: nil where nothing runs.
    private static func plan(of instance: ObservedInstance, key: String, _ session: borrowing StackSession) throws -> LaunchPlan? {
        let recorded = instance.oneOff == nil ? session.record?.services[key]?.plan : nil
        guard let plan = try recorded ?? session.supervisor()?.plan(of: key) else { return nil }
        if instance.oneOff == nil { try instance.checkItRuns(plan) }
        return plan
    }

    /// The service's own variables, corrected by `-e`; a name without a value takes the caller's.
    private static func environment(
        _ plan: LaunchPlan, _ invocation: Invocation, instance: ObservedInstance, terminal: Bool
    ) -> [String] {
        var added = invocation.values("env").compactMap { entry in
            entry.contains("=") ? entry : invocation.environment[entry].map { "\(entry)=\($0)" }
        }
        func name(_ variable: String) -> String { String(variable.prefix { $0 != "=" }) }
        let present = Set((plan.environment + added).map(name))
        if terminal, let term = invocation.environment["TERM"], !present.contains("TERM") { added.append("TERM=\(term)") }
        let replaced = Set(added.map(name))
        return plan.completed(plan.environment.filter { !replaced.contains(name($0)) } + added, inInstance: instance.index)
    }
}

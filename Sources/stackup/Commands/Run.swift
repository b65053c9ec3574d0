import Compose
import Glibc
import Linux
import Reconciler
import Runner
import SecretStore
import Terminal

/// `stackup run`: a one-off instance of a service.
enum RunCommand {
    static let command = Command(
        "run", summary: "Run a command once, as a service would",
        discussion: """
            Starts an instance of its own with the service's files, user, limits and secrets, and the command in the place of the service's. \
            What the service depends on is started first. It does not count as one of the service's instances: 'up' leaves it alone, and so do commands on the \
            service but 'kill' and 'wait'; 'ps -a' lists it, 'down' removes it. With -d its name is printed, which 'exec', 'logs', 'stop', 'kill' \
            and 'wait' take in a service's place. Otherwise it has this terminal's input and output, or a terminal of its own, signals are \
            passed on, and so is its exit status.
            """,
        examples: [
            .init("stackup run --rm web bin/migrate", "a migration with web's secrets, of which nothing is left"),
            .init("stackup run --rm --entrypoint sh web", "a shell where web would run"),
            .init("stackup run -d --name import web bin/import", "in the background; 'stackup logs import' shows what it prints"),
        ],
        options: [
            .flag("detach", short: "d", help: "Run in the background, and print its name"),
            .flag("rm", help: "Remove it when it has ended"),
            .repeated("env", short: "e", "KEY=VALUE", help: "A variable; without a value, the caller's"),
            .repeated("env-from-file", "FILE", help: "Variables from a file"),
            .value("entrypoint", "COMMAND", help: "In the place of the service's entrypoint"),
            .value("user", short: "u", "USER", help: "Run as this user"),
            .value("workdir", short: "w", "DIR", help: "Its working directory"),
            .repeated("volume", short: "v", "[SOURCE:]TARGET[:ro]", help: "One more mount"),
            .repeated("cap-add", "CAPABILITY", help: "One more capability"),
            .repeated("cap-drop", "CAPABILITY", help: "One less"),
            .repeated("label", short: "l", "KEY=VALUE", help: "One more label, for 'ps'"),
            .value("name", "NAME", help: "What it is called (default PROJECT-SERVICE-run-…)"),
            .flag("no-deps", help: "Don't start what the service depends on"),
            .flag("remove-orphans", help: "Remove services that the files no longer define, and one-offs that have ended"),
            .choice("pull", ["always", "missing", "never", "if_not_present", "build"], help: "Accepted for Docker's sake: there are no images to pull"),
            .flag("quiet-pull", help: "Accepted for Docker's sake, as --pull"),
            .flag("build", help: "Accepted for Docker's sake: there are no images to build"),
            .flag("quiet-build", help: "Accepted for Docker's sake, as --build"),
            .flag("no-tty", short: "T", help: "Don't give it a terminal"),
            .flag("interactive", short: "i", help: "Pass standard input on (the default; --interactive=false doesn't)"),
            .flag("tty", short: "t", help: "Accepted for Docker's sake: there is a terminal wherever there can be one"),
        ],
        inheritedOptions: nil, leadingOptions: [], arguments: [.init("SERVICE"), .init("COMMAND", .any)], stopsAtFirstPositional: true)

    static func run(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.operands[0]
        let project = try invocation.loadProject(services: [name])
        let request = try OneOffRequest(name, command: Array(invocation.operands.dropFirst()), of: project, invocation)
        var involved = project
        involved.stack.services = request.dependencies(in: project) + [request.service]
        try Up.refuseImages(involved.stack.services, invocation)
        _ = try invocation.identities(for: involved.stack)
        try Up.checkBeforeRenewing(involved, invocation)
        try involved.stack.renewSecrets(invocation)
        let attendant = invocation.flag("detach") ? nil : try OneOffAttendant(
            key: request.key, terminal: hasTerminal(invocation), input: invocation.arguments.flagIfGiven("interactive") ?? true)
        do {
            let overtaken = try Up.plannedAnew { try start(request, of: project, attendedBy: attendant, invocation) }
            do {
                try Up.catchUp(overtaken, invocation)
            } catch {
                // It runs, whatever becomes of others.
                invocation.streams.warn("\(error)")
            }
        } catch let failure as OneOffFailure {
            invocation.streams.fail(failure.reason)
            leave(request, project.stack.name, invocation)
            return attendant?.statusOfFailure ?? failure.status
        }
        // It may run for days; the store's keys are of no use to it.
        invocation.forgetKeys()
        guard let attendant else {
            invocation.streams.print(request.oneOff.name)
            return 0
        }
        guard let status = attendant.attend() else {
            throw SupervisionError.lostConnection(to: invocation.paths.directories(of: project.stack.name))
        }
        leave(request, project.stack.name, invocation)
        return status
    }

    /// In milliseconds: how long the supervisor may take to see an end that is known already.
    private static let patience: Int32 = 2000

    /// Waits until the supervisor has seen the end, too, so that the next command finds it so; and where nothing is left of the stack, it
    /// goes: it was there for the one-off alone. The command's own end is known, so whatever is in the way of this is no failure.
    private static func leave(_ request: OneOffRequest, _ stack: String, _ invocation: Invocation) {
        let directories = invocation.paths.directories(of: stack)
        guard let events = (try? SupervisorClient.connect(directories)) ?? nil, (try? events.subscribe()) != nil,
            let supervisor = (try? SupervisorClient.connect(directories)) ?? nil, let state = try? supervisor.observe()
        else { return invocation.logEndedGrantsUnasked() }
        let isRemoved = request.oneOff.isRemovedAtEnd
        var isThere = state.instances.contains { $0.service == request.key && (isRemoved || $0.status != .exited) }
        while isThere {
            var wanted = pollfd(fd: events.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, patience) > 0, let heard = (try? events.eventsByNow()) ?? nil else { return }
            isThere = !heard.contains { event in
                guard event.service == request.key else { return false }
                if case .exited = event.kind { return !isRemoved }
                return event.kind == .removed
            }
        }
        invocation.logEndedGrantsUnasked()
        guard isRemoved, let lock = (try? RuntimeLock.acquireIfPresent(directories, command: invocation.commandName, onWait: nil)) ?? nil else { return }
        if let last = try? supervisor.observe(), last.instances.isEmpty, (try? invocation.carryUnloggedSigns()) != nil { try? supervisor.down() }
        _ = consume lock
    }

    private static func hasTerminal(_ invocation: Invocation) -> Bool {
        !invocation.flag("no-tty") && invocation.arguments.flagIfGiven("interactive") ?? true
            && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    }

    /// Stores what is new, starts what has to be there, and the one-off.
    ///
    /// - Returns: the secrets that have newer versions than it got.
    private static func start(
        _ request: OneOffRequest, of project: LoadedProject, attendedBy attendant: OneOffAttendant?, _ invocation: Invocation
    ) throws -> Set<String> {
        try invocation.awaitEnds(of: request.dependencies(in: project), in: project.stack.name)
        let session = try StackSession(project.stack.name, invocation, for: .deploying)
        let planned = try PlannedDeployment(project, invocation, session, running: request)
        let preparation = planned.preparation
        guard let store = session.store, let plan = preparation.launchPlans[request.key] else { throw CommandFailure("the store could not be opened") }
        let deployer = Deployer(preparation: preparation, plan: planned.plan, store: store, record: session.record)
        var plans = preparation.launchPlans
        plans[request.service.name] = plan
        try VolumePlanning.prepare(
            preparation.wanted.services.map(\.service) + [request.service], of: preparation.stack, plans: plans, invocation)
        // The commit says what the one-off is granted. Should it not come about, or this command be killed, the next one finds that out.
        if !request.service.secrets.isEmpty { try SecretStore.leaveUnloggedSign(invocation.paths.store) }
        try deployer.commit(observed: planned.observed)
        planned.reportProspects(invocation.streams)
        let display = InstanceProgress(invocation.streams, title: "Running")
        let supervisor = try session.supervisorStartingIfNeeded()
        defer { display.finish() }
        display.follow(supervisor)
        display.show(planned.unchangedInstances, .done, "Running")
        var isStarted = false
        do {
            try session.clearingFailedStart {
                try deployer.apply(to: supervisor, observed: planned.observed, for: attendant?.handedOver) { event in
                    if event.service == request.key, case .started = event.kind { isStarted = true }
                    guard event.service == request.key, let attendant else { return display.show(event) }
                    // From here on standard error is the command's.
                    if case .starting = event.kind { display.finish() }
                    attendant.hear(event)
                }
            }
        } catch let error as SupervisionError where error.isLostConnection && attendant != nil {
            // A supervisor that was killed may have launched it before; then it is there without one.
        } catch SupervisionError.refused(let reason) where isStarted {
            // Something else that came with it has failed, such as a dependency that it can do without: it runs all the same.
            invocation.streams.warn(reason)
        } catch SupervisionError.refused(let reason) {
            throw OneOffFailure(reason: reason, status: attendant?.isHeardOf == true ? 125 : 1)
        }
        do {
            if deployer.renews, planned.observed.schedule?.isAttended != true { try session.startAttendant() }
            return try deployer.overtakenSecrets(planned.observed)
        } catch where isStarted {
            invocation.streams.warn("\(error)")
            return []
        }
    }
}

/// Why a one-off, or what it needs, could not be started.
private struct OneOffFailure: Error {
    let reason: String
    let status: Int32
}

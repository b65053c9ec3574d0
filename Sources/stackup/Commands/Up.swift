import Compose
import Reconciler
import Runner
import SecretStore
import Terminal

/// `stackup up`: plan, and apply the plan.
enum Up {
    static let command = Command(
        "up", summary: "Create and start services",
        discussion: """
            Reads the Compose files, works out what differs from what is stored and what runs, and makes it so.
            Nothing is touched that does not differ: a secret that changed is replaced in place, without a restart.
            Without -d the command stays, shows the services' output, and stops them on Ctrl-C.
            """,
        examples: [
            .init("stackup up -d", "start everything in the background"),
            .init("stackup up -d --wait web", "start web and what it needs, and wait until it runs, or is healthy"),
            .init("stackup up --watch", "and copy files into services as they change"),
            .init("stackup up --dry-run", "show what would be done, and why"),
        ],
        options: [
            .flag("detach", short: "d", help: "Run in the background"),
            .flag("wait", help: "Wait until the services are healthy, or have run for half a second without a healthcheck; implies -d"),
            .value("wait-timeout", "SECONDS", help: "How long at most once all are started; then it fails, and the services run on"),
            .flag("dry-run", help: "Print the plan and stop"),
            .flag("force-recreate", help: "Recreate instances even if nothing changed"),
            .flag("remove-orphans", help: "Remove services that the files no longer define"),
            .flag(keepStopped, help: "Leave services alone that were stopped and restart 'unless-stopped', as at boot; Ctrl-C stops none of them for longer"),
            .repeated("scale", "SERVICE=NUMBER", help: "How many instances of a service run, whatever the files say"),
            .flag("watch", short: "w", help: "Follow files as 'stackup watch' does, beside the output"),
            .flag("no-log-prefix", help: "Don't print a prefix before each line of output"),
            .flag("no-color", help: "Don't colour the prefixes"),
            .value("timeout", short: "t", "SECONDS", help: "How long what is stopped has before a kill; default: each service's stop_grace_period"),
            .flag("yes", short: "y", help: "Accepted for Docker's sake: nothing is asked"),
            .choice("pull", ["always", "missing", "never", "if_not_present", "build"], help: "Accepted for Docker's sake: there are no images to pull"),
            .flag("quiet-pull", help: "Accepted for Docker's sake, as --pull"),
            .flag("build", help: "Accepted for Docker's sake: there are no images to build"),
            .flag("no-build", help: "Accepted for Docker's sake, as --build"),
            .flag("quiet-build", help: "Accepted for Docker's sake, as --build"),
        ],
        arguments: [.init("SERVICE", .any)])

    /// What the unit of `stackup boot` adds.
    static let keepStopped = "keep-stopped"

    static func run(_ invocation: Invocation) throws -> Int32 {
        for option in ["detach", "wait"] where invocation.flag("watch") && invocation.flag(option) {
            throw invocation.arguments.usageError("--\(option) cannot be combined with --watch", remedy: "'stackup watch' leaves services running")
        }
        return try bringUp(
            services: invocation.operands, try invocation.instanceCounts(invocation.values("scale")), invocation,
            stays: invocation.flag("wait") || !invocation.flag("detach"))
    }

    /// - Parameters:
    ///   - services: empty: all.
    ///   - counts: of instances, where the Compose files are not to say it.
    ///   - stays: whether to go on once everything was started.
    static func bringUp(
        services: [String], _ counts: [(service: String, count: Int)], _ invocation: Invocation, stays: Bool
    ) throws -> Int32 {
        try bringUp(try invocation.loadProject(services: services).scaled(counts), invocation, stays: stays)
    }

    /// - Parameter stays: whether to go on once everything was started.
    static func bringUp(_ project: LoadedProject, _ invocation: Invocation, stays: Bool) throws -> Int32 {
        if project.stack.services.isEmpty { throw CommandFailure("no service selected") }
        // Before anything is made.
        _ = try invocation.identities(for: project.stack)
        if invocation.flag("dry-run") {
            let session = try StackSession(project.stack.name, invocation, for: .reading)
            let planned = try PlannedDeployment(project, invocation, session)
            invocation.streams.print(planned.plan.text)
            planned.reportProspects(invocation.streams)
            return 0
        }
        try refuseImages(project.stack.services, invocation)
        let rules = invocation.flag("watch") ? try Watch.rules(of: project, invocation) : []
        try checkBeforeRenewing(project, invocation)
        try project.stack.renewSecrets(invocation)
        // Output may be shown for days. The keys, the values and the lock on the stack are given back before.
        let (deployed, events, overtaken) = try plannedAnew { try deploy(project, invocation, stays: stays) }
        try catchUp(overtaken, invocation)
        let watcher = rules.isEmpty ? nil : try Watch.start(rules, of: project, invocation)
        invocation.forgetKeys()
        // Only who waits has subscribed.
        guard let events else { return 0 }
        if invocation.flag("wait") {
            return try StartWatch(
                deployed: deployed, events: events, services: project.stack.services, invocation: invocation,
                timeout: try invocation.seconds("wait-timeout")).run()
        }
        return try ForegroundStack(deployed: deployed, events: events, invocation: invocation, watcher: watcher).run()
    }

    /// How often a plan is made before somebody else's new versions are given up on: a driver may have a secret refreshed each second.
    private static let attempts = 5

    /// Does what begins with a look at the store and commits what follows from it. Where the store has got other versions in between, the commit
    /// has changed nothing, and all of it is done again.
    static func plannedAnew<Result>(_ body: () throws -> Result) throws -> Result {
        for _ in 1..<attempts {
            do {
                return try body()
            } catch StoreError.versionConflict, StoreError.secretExists {
                continue
            }
        }
        return try body()
    }

    /// Images come later: nothing may start before that is said of every service that has one.
    static func refuseImages(_ services: [Service], _ invocation: Invocation) throws(CommandFailure) {
        let withImages = services.filter(\.needsImage)
        for service in withImages { invocation.streams.reportImage(of: service, .error) }
        if !withImages.isEmpty { throw .alreadyReported }
    }

    /// Finds what is wrong with the rest before new values are made: a program that makes one may set it somewhere, and an `up` that fails is to
    /// change nothing.
    static func checkBeforeRenewing(_ project: LoadedProject, _ invocation: Invocation) throws {
        guard project.stack.hasRotatedSecrets else { return }
        let store = try invocation.openStore()
        let snapshot = try store?.snapshot()
        guard project.stack.makesValues(snapshot) else { return }
        let record = try store?.stackRecord(project.stack.name).flatMap { StackRecord(decoding: $0) }
        _ = try Preparation(
            project, services: project.stack.services, paths: invocation.paths, possible: try invocation.identities(for: project.stack), store: store,
            snapshot: snapshot, record: record, asksDrivers: false, waiting: SecretWaiting(invocation.streams))
    }

    /// Delivers what was stored while the deployment was under way.
    static func catchUp(_ secrets: Set<String>, _ invocation: Invocation) throws {
        guard !secrets.isEmpty, let store = try invocation.openStore() else { return }
        var delivery = SecretDelivery(store, invocation)
        delivery.deliverAgain(secrets)
        let failures = try delivery.deliver().failures
        guard failures.isEmpty else { throw CommandFailure(failures.map(\.reason).joined(separator: "\n")) }
    }

    /// - Returns: the stack, a connection that has heard all of the deployment's events where the command stays, and the secrets that
    ///   have newer versions than it has.
    private static func deploy(
        _ project: LoadedProject, _ invocation: Invocation, stays: Bool
    ) throws -> (stack: DeployedStack, events: SupervisorClient?, overtaken: Set<String>) {
        try invocation.awaitEnds(of: project.stack.services, in: project.stack.name)
        let session = try StackSession(project.stack.name, invocation, for: .deploying)
        let planned = try PlannedDeployment(project, invocation, session)
        guard let store = session.store else { throw CommandFailure("the store could not be opened") }
        let since = LogTime.now()
        let deployer = Deployer(
            preparation: planned.preparation, plan: planned.plan, store: store, record: session.record)
        try VolumePlanning.prepare(
            planned.preparation.wanted.services.lazy.filter { !$0.service.mounts.isEmpty }.map(\.service), of: planned.preparation.stack,
            plans: planned.preparation.launchPlans, invocation)
        try deployer.commit(observed: planned.observed)
        planned.reportProspects(invocation.streams)
        let display = InstanceProgress(invocation.streams, title: "Running")
        let supervisor = try session.supervisorStartingIfNeeded()
        defer { display.finish() }
        let events = stays ? try SupervisorClient.connect(session.directories) : nil
        try events?.subscribe()
        display.follow(supervisor)
        display.show(planned.unchangedInstances, .done, "Running")
        let timeout = try invocation.seconds("timeout").map { $0 * 1000 }
        try session.clearingFailedStart {
            try deployer.apply(to: supervisor, observed: planned.observed, timeoutMilliseconds: timeout) { display.show($0) }
        }
        if deployer.renews, planned.observed.schedule?.isAttended != true { try session.startAttendant() }
        guard display.failures.isEmpty else { throw CommandFailure(display.failures.joined(separator: "\n")) }
        // What is held may be started by somebody later, but nobody waits for that.
        let held = invocation.flag("wait") ? planned.heldServices : []
        let deployed = DeployedStack(
            supervisor: supervisor, directories: session.directories,
            services: project.stack.services.map(\.name).filter { !held.contains($0) }, since: since)
        return (deployed, events, try deployer.overtakenSecrets(planned.observed))
    }
}

import Compose
import Reconciler
import Runner
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
            .init("stackup up -d --wait web", "start web and what it needs, and wait until it runs"),
            .init("stackup up --dry-run", "show what would be done, and why"),
        ],
        options: [
            .flag("detach", short: "d", help: "Run in the background"),
            .flag("wait", help: "Wait until the services run; implies -d"),
            .flag("dry-run", help: "Print the plan and stop"),
            .flag("force-recreate", help: "Recreate instances even if nothing changed"),
            .flag("remove-orphans", help: "Remove services that the files no longer define"),
            .flag("no-log-prefix", help: "Don't print a prefix before each line of output"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let project = try invocation.loadProject(services: invocation.operands)
        if project.stack.services.isEmpty { throw CommandFailure("no service selected") }
        if invocation.flag("dry-run") {
            let session = try StackSession(project.stack.name, invocation, for: .reading)
            invocation.streams.print(try PlannedDeployment(project, invocation, session).plan.text)
            return 0
        }
        try refuseImages(project.stack.services, invocation)
        // Output may be shown for days. The keys, the values and the lock on the stack are given back before.
        let foreground = try deploy(project, invocation)
        return invocation.flag("detach") || invocation.flag("wait") ? 0 : try foreground.run()
    }

    /// Images come later: nothing may start before that is said of every service that has one.
    private static func refuseImages(_ services: [Service], _ invocation: Invocation) throws(CommandFailure) {
        let withImages = services.filter { $0.image != nil || $0.hasBuild }
        for service in withImages {
            invocation.streams.reportImage(of: service)
        }
        if !withImages.isEmpty { throw .alreadyReported }
    }

    private static func deploy(_ project: LoadedProject, _ invocation: Invocation) throws -> ForegroundStack {
        let ignoresOrphans = try invocation.ignoresOrphans()
        let session = try StackSession(project.stack.name, invocation, for: .deploying)
        let planned = try PlannedDeployment(project, invocation, session)
        guard let store = session.store else { throw CommandFailure("the store could not be opened") }
        let since = LogTime.now()
        let deployer = Deployer(
            preparation: planned.preparation, plan: planned.plan, store: store, record: session.record)
        try VolumePlanning.prepare(
            planned.preparation.wanted.services.map(\.service), of: planned.preparation.stack, in: invocation.paths)
        try deployer.commit()
        if !ignoresOrphans { planned.reportOrphans(invocation.streams) }
        let display = InstanceProgress(invocation.streams, title: "Running")
        let supervisor = try session.supervisorStartingIfNeeded()
        defer { display.finish() }
        display.follow(supervisor)
        try deployer.apply(to: supervisor, observed: planned.observed) { display.show($0) }
        guard display.failures.isEmpty else { throw CommandFailure(display.failures.joined(separator: "\n")) }
        return ForegroundStack(
            supervisor: supervisor, directories: session.directories, services: project.stack.services.map(\.name),
            invocation: invocation, since: since)
    }
}

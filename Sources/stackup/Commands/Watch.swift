import CLinux
import Compose
import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup watch`: services follow their files.
enum Watch {
    static let command = Command(
        "watch", summary: "Copy files into services, or restart them, when files change",
        discussion: """
            Does what 'develop.watch' says in the Compose files: copies what has changed (sync), restarts the service (restart, sync+restart), \
            or runs a command in it (sync+exec). Services are started first, and run on when Ctrl-C ends the watch. Files arrive with the \
            service's rights. What is kept from services, such as the files that secrets come from, is never copied. Nothing is \
            built here, so the action 'rebuild' is refused.
            """,
        examples: [
            .init("stackup watch", "start everything, and follow the files"),
            .init("stackup watch --no-up web", "of web, which runs already"),
            .init("stackup up --watch", "the same beside the services' output; Ctrl-C stops them"),
        ],
        options: [
            .flag("no-up", help: "Don't start services first"),
            .flag("prune", help: "Accepted for Docker's sake: there are no images to remove"),
            .flag("quiet", help: "Accepted for Docker's sake: nothing is built that could be silent"),
        ],
        arguments: [.init("SERVICE", .any)])

    /// What a shell has for a command that SIGINT ended, as Compose has it for every signal.
    private static let interrupted: Int32 = 130

    static func run(_ invocation: Invocation) throws -> Int32 {
        let project = try invocation.loadProject(services: invocation.operands)
        let rules = try rules(of: project, invocation)
        if !invocation.flag("no-up") { _ = try Up.bringUp(project, invocation, stays: false) }
        let watcher = try start(rules, of: project, invocation)
        let directories = invocation.paths.directories(of: project.stack.name)
        guard let events = try SupervisorClient.connect(directories) else {
            throw CommandFailure("nothing of '\(project.stack.name)' runs; start it with: stackup up -d")
        }
        try events.subscribe()
        let signals = FileDescriptor(owning: clinux_signal_descriptor([SIGINT, SIGTERM, SIGHUP, 0]))
        watcher.isOver = { [number = signals.number] in
            var state = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            return Interruption.wasNoted || poll(&state, 1, 0) > 0
        }
        // The supervisor goes on with a restart by itself.
        watcher.whileWaiting = { [unowned watcher] in
            guard watcher.isOver() else { return }
            watcher.end()
            exit(interrupted)
        }
        do {
            try watcher.begin()
            while !watcher.isOver() {
                guard let heard = try events.eventsByNow() else { throw SupervisionError.lostConnection(to: directories) }
                watcher.hear(heard)
                try watcher.proceed()
                if watcher.isOver() { break }
                var wanted = [watcher.descriptor, events.descriptor, signals.number].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                poll(&wanted, nfds_t(wanted.count), watcher.patience)
            }
        } catch SupervisionError.connectionLost {
            watcher.end()
            invocation.streams.note("'\(project.stack.name)' was taken down")
            return 0
        }
        watcher.end()
        return interrupted
    }

    /// What is to be done, checked before anything starts.
    static func rules(of project: LoadedProject, _ invocation: Invocation) throws -> [PlannedRule] {
        if project.stack.services.isEmpty { throw CommandFailure("no service selected") }
        let session = try StackSession(project.stack.name, invocation, for: .reading)
        var planning = WatchPlanning(project.stack, invocation, session)
        do {
            let rules = try planning.rules()
            invocation.streams.report(planning.warnings)
            return rules
        } catch {
            invocation.streams.report(planning.warnings)
            throw error
        }
    }

    /// Watches for a stack that runs. The store's keys are given back.
    static func start(_ rules: [PlannedRule], of project: LoadedProject, _ invocation: Invocation) throws -> StackWatcher {
        let session = try StackSession(project.stack.name, invocation, for: .reading)
        let watcher = try StackWatcher(project.stack, rules, invocation, session)
        _ = consume session
        invocation.forgetKeys()
        return watcher
    }
}

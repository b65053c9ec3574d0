import Reconciler
import Runner
import Terminal

/// `stackup wait`: until services stop.
enum Wait {
    static let command = Command(
        "wait", summary: "Wait until services stop",
        discussion: """
            Says of each instance how it ended, and exits with the status of the last. Those that don't run any more are not waited \
            for; one that the restart policy starts again has stopped all the same.
            """,
        examples: [
            .init("stackup wait migrate", "go on once the migration is done; fails as it did"),
            .init("stackup wait --down-project tests", "wait for the tests, then take everything down"),
        ],
        options: [.flag("down-project", help: "Take the stack down when the first instance has stopped")],
        arguments: [.init("SERVICE", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let target = try invocation.targetStack()
        let takesDown = invocation.flag("down-project")
        var ends = Ends(stack: target.name, streams: invocation.streams)
        // A supervisor may be killed meanwhile; the next one tells what becomes of its services, or has become of them.
        while try !wait(target, &ends, untilFirst: takesDown, invocation) {}
        if takesDown { try Down.takeDown(target, invocation) }
        return ends.status
    }

    /// - Returns: false where the supervisor was gone before all had ended.
    private static func wait(_ target: TargetStack, _ ends: inout Ends, untilFirst: Bool, _ invocation: Invocation) throws -> Bool {
        let directories = invocation.paths.directories(of: target.name)
        // Where a supervisor was killed, a look at the stack starts another one.
        let session = try StackSession(target.name, invocation, for: .observing)
        _ = try session.observe()
        guard let events = try SupervisorClient.connect(directories) else {
            throw CommandFailure(
                ends.count == 0 ? "there is nothing to wait for: nothing of '\(target.name)' runs" : "the stack was taken down meanwhile")
        }
        // Before the look at what is awaited, so that no end falls between the two.
        try events.subscribe()
        var awaited: [String: ObservedInstance] = [:]
        for instance in try concerned(target, session, directories, invocation.operands) {
            switch instance.status {
            case .running, .stopping, .created: awaited[instance.name] = instance
            case .exited where instance.wasNeverStarted:
                throw CommandFailure("\(instance.name(in: target.name)) was not started" + (instance.failure.map { ": \($0)" } ?? ""))
            case .exited, .restarting: ends.tell(instance, instance.endStatus ?? 0)
            }
            if untilFirst, ends.count > 0 { return true }
        }
        // To wait may take days; the store's keys are of no use for it.
        invocation.forgetKeys()
        while !awaited.isEmpty {
            guard let event = try events.nextEvent() else {
                if try SupervisionError.killing(of: directories) != nil { return false }
                throw CommandFailure("the stack was taken down meanwhile")
            }
            guard let instance = event.instance.flatMap({ awaited[$0] }) else { continue }
            switch event.kind {
            case .exited(let code):
                awaited[instance.name] = nil
                ends.tell(instance, code)
                if untilFirst { return true }
            case .failed(let reason): throw CommandFailure("\(instance.name(in: target.name)) could not be started: \(reason)")
            case .removed: throw CommandFailure("\(instance.name(in: target.name)) was removed before it was started")
            default: continue
            }
        }
        return true
    }

    private static func concerned(
        _ target: TargetStack, _ session: borrowing StackSession, _ directories: StackDirectories, _ names: [String]
    ) throws -> [ObservedInstance] {
        let state = try SupervisorClient.connect(directories)?.observe() ?? ObservedState()
        let services = try target.services(named: names, observed: state, record: session.record) ?? []
        for service in services where !state.instances.contains(where: { $0.service == service || $0.ownService == service }) {
            throw CommandFailure("there is nothing to wait for: nothing of '\(service)' was started")
        }
        return state.instances.filter { services.contains($0.service) || services.contains($0.ownService) }
    }

    /// The ends that were told of, each once.
    private struct Ends {
        let stack: String
        let streams: Streams
        private var told: Set<String> = []
        /// Of the last one.
        private(set) var status: Int32 = 0

        init(stack: String, streams: Streams) {
            self.stack = stack
            self.streams = streams
        }

        var count: Int { told.count }

        mutating func tell(_ instance: ObservedInstance, _ code: Int32) {
            guard told.insert(instance.name).inserted else { return }
            guard code >= 0 else {
                streams.fail("\(instance.name(in: stack)) has ended, and nobody knows with what status: no supervisor ran, and its pid 1 left none")
                return status = 1
            }
            streams.print("container \"\(instance.name(in: stack))\" exited with status code \(code)")
            status = code
        }
    }
}

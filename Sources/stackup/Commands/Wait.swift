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
        let directories = invocation.paths.directories(of: target.name)
        guard let events = try SupervisorClient.connect(directories) else {
            throw CommandFailure("there is nothing to wait for: nothing of '\(target.name)' runs")
        }
        // Before a look at what runs, so that no end falls between the two.
        try events.subscribe()
        let instances = try concerned(target, invocation)
        // To wait may take days; the store's keys are of no use for it.
        invocation.forgetKeys()
        let takesDown = invocation.flag("down-project")
        let status = try wait(for: instances, events, until: takesDown ? 1 : instances.count, target.name, invocation)
        if takesDown { try Down.takeDown(target, invocation) }
        return status
    }

    private static func concerned(_ target: TargetStack, _ invocation: Invocation) throws -> [ObservedInstance] {
        let session = try StackSession(target.name, invocation, for: .observing)
        let state = try session.observe()
        let services = try target.services(named: invocation.operands, observed: state, record: session.record) ?? []
        for service in services where !state.instances.contains(where: { $0.service == service || $0.ownService == service }) {
            throw CommandFailure("there is nothing to wait for: nothing of '\(service)' was started")
        }
        return state.instances.filter { services.contains($0.service) || services.contains($0.ownService) }
    }

    /// - Parameter count: of so many ends.
    /// - Returns: the status of the last.
    private static func wait(
        for instances: [ObservedInstance], _ events: SupervisorClient, until count: Int, _ stack: String, _ invocation: Invocation
    ) throws -> Int32 {
        var status: Int32 = 0
        var ended = 0
        let names = Dictionary(instances.map { ($0.name, $0.name(in: stack)) }, uniquingKeysWith: { first, _ in first })
        func tell(_ instance: String, _ code: Int32) {
            invocation.streams.print("container \"\(names[instance] ?? instance)\" exited with status code \(code)")
            status = code
            ended += 1
        }
        var awaited: Set<String> = []
        for instance in instances {
            switch instance.status {
            case .running, .stopping, .created: awaited.insert(instance.name)
            case .exited, .restarting: if ended < count { tell(instance.name, instance.exitCode ?? 0) }
            }
        }
        while ended < count {
            guard let event = try events.nextEvent() else { throw CommandFailure("the stack was taken down meanwhile") }
            guard let instance = event.instance, awaited.contains(instance) else { continue }
            switch event.kind {
            case .exited(let code):
                awaited.remove(instance)
                tell(instance, code)
            case .failed(let reason): throw CommandFailure("\(instance) could not be started: \(reason)")
            case .removed: throw CommandFailure("\(instance) was removed before it was started")
            default: continue
            }
        }
        return status
    }
}

import Compose
import Reconciler
import Runner
import SecretStore
import Terminal

/// `stackup down`: the stack's processes, mounts and runtime state go; the store's history stays.
enum Down {
    static let command = Command(
        "down", summary: "Stop and remove services",
        discussion: """
            Stops services in reverse dependency order and removes their mounts, their output and the stack's runtime
            state. Secrets and their history stay in the store. With -p no Compose file is needed, except to know the volumes.
            """,
        examples: [
            .init("stackup down", "stop the stack of this directory"),
            .init("stackup down --volumes", "remove its volumes too"),
            .init("stackup -p shop down", "stop the stack 'shop' from anywhere"),
        ],
        options: [
            .value("timeout", short: "t", "SECONDS", help: "How long to wait before a kill; default: each service's stop_grace_period"),
            .flag("remove-orphans", help: "Remove services that the files no longer define"),
            .flag("volumes", short: "v", help: "Remove the volumes that the files declare, and anonymous ones"),
        ])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let timeout = try invocation.seconds("timeout")
        let removesVolumes = invocation.flag("volumes")
        // Which volumes there are, only the files say; and what could not be started must not be removed, whatever its name leads to.
        let project = removesVolumes ? try invocation.loadProject(quietly: true) : nil
        let target = try project.map { TargetStack(name: $0.stack.name, project: $0) } ?? invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .changing)
        let display = InstanceProgress(invocation.streams, title: "Removing")
        defer { display.finish() }
        let orphans = try orphans(target.project, session, invocation)
        try stop(session, keeping: orphans, timeout: timeout, display)
        if let stack = project?.stack {
            try VolumePlanning.removeAll(of: stack, services: stack.services, in: invocation.paths) { display.show(removedVolume: $0) }
        }
        display.finish()
        invocation.streams.warnOfOrphans(orphans, of: target.name)
        return 0
    }

    /// What runs and is in no file, unless it is to go too.
    private static func orphans(
        _ project: LoadedProject?, _ session: borrowing StackSession, _ invocation: Invocation
    ) throws -> [String] {
        guard let project, !invocation.removesOrphans else { return [] }
        let declared = Set(project.stack.services.map(\.name) + project.stack.disabledServices)
        return Set(try session.observe().instances.map(\.service)).subtracting(declared).sorted()
    }

    /// - Returns: false where the supervisor ended before it answered.
    private static func takeDown(
        _ supervisor: SupervisorClient, _ timeout: Int64?, _ display: InstanceProgress
    ) throws -> Bool {
        display.follow(supervisor)
        do {
            try supervisor.down(timeoutMilliseconds: timeout.map { $0 * 1000 }) { display.show($0) }
            return true
        } catch {
            guard error == .connectionLost else { throw error }
            return false
        }
    }

    private static func stop(
        _ session: borrowing StackSession, keeping orphans: [String], timeout: Int64?, _ display: InstanceProgress
    ) throws {
        guard let supervisor = try session.supervisor() else {
            try StackRemains.remove(session.directories)
            return
        }
        if orphans.isEmpty {
            if try takeDown(supervisor, timeout, display) { return }
            // It was ending already: a `down` before this one was killed while it waited.
            if let successor = try session.supervisor() {
                _ = try takeDown(successor, timeout, display)
            } else {
                try StackRemains.remove(session.directories)
            }
            return
        }
        let services = Set(try supervisor.observe().instances.map(\.service)).subtracting(orphans).sorted()
        display.follow(supervisor)
        try supervisor.down(services: services, timeoutMilliseconds: timeout.map { $0 * 1000 }) { display.show($0) }
    }
}

import Compose
import Glibc
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
        guard invocation.flag("volumes") else {
            try takeDown(try invocation.targetStack(), invocation)
            return 0
        }
        // Which volumes there are, only the files say; and what could not be started must not be removed, whatever its name leads to.
        let project: LoadedProject
        do {
            project = try invocation.loadProject(quietly: true)
        } catch {
            invocation.streams.note("what runs can be taken down all the same, without its volumes: stackup down")
            throw error
        }
        try takeDown(TargetStack(project.stack), invocation, removingVolumesOf: project.stack)
        return 0
    }

    /// - Parameter stack: whose volumes are removed; nil: none are.
    static func takeDown(_ target: TargetStack, _ invocation: Invocation, removingVolumesOf stack: Stack? = nil) throws {
        let timeout = try invocation.seconds("timeout")
        let hastened = target.hasten(invocation, services: [], timeoutMilliseconds: timeout.map { $0 * 1000 })
        let session = try StackSession(target.name, invocation, for: .ending)
        let display = InstanceProgress(invocation.streams, title: "Removing")
        defer { display.finish() }
        let found = try unlessNothingRuns(session, ObservedServices()) { try session.observeServices() }
        let orphans = orphans(target, found, invocation)
        for event in hastened { display.show(event) }
        let services = found.inhabited.filter { !orphans.contains($0) }
        let holders = found.holders.filter { !orphans.contains($0) }
        // What ended before this looked has left a sign, which goes with the folder it is in.
        do { try invocation.carryUnloggedSigns() } catch { invocation.streams.warn("the store's log may not tell of all that has ended: \(error)") }
        // The store may be locked, and this command may be killed before it has told: the next one that can then does.
        let sign = holders.isEmpty && found.oneOffMounts.isEmpty ? nil : leaveSign(invocation, outlivesPowerFailure: session.store == nil)
        let (hasRun, end) = try stop(
            session, orphans.isEmpty ? nil : services, timeout: timeout, display, invocation, isSigned: sign != nil)
        defer { end?.wait() }
        if !hasRun, hastened.isEmpty { invocation.streams.note(nothing(to: "stop", target.name)) }
        noteRevocations(session, of: holders, and: found.grantsOfOneOffs, takingBack: sign)
        // Where an earlier `down` has done it, no event tells.
        for event in hastened { display.show(InstanceEvent(service: event.service, index: event.index, kind: .removed, oneOff: event.oneOff)) }
        if let stack {
            try VolumePlanning.removeAll(of: stack, services: stack.services, in: invocation.paths) { display.show(volume: $0, isRemoved: $1) }
        }
        display.finish()
        invocation.streams.warnOfOrphans(orphans, of: target.name)
    }

    private static func leaveSign(_ invocation: Invocation, outlivesPowerFailure: Bool = true) -> SecretStore.UnloggedSign? {
        do {
            return try SecretStore.leaveUnloggedSign(invocation.paths.store, outlivesPowerFailure: outlivesPowerFailure)
        } catch {
            invocation.streams.warn("the store's log may not tell of this: \(error)")
            return nil
        }
    }

    /// The audit log tells that what is down reads nothing any more. The stack is down, whatever becomes of that.
    private static func noteRevocations(
        _ session: borrowing StackSession, of services: [String], and oneOffs: [RecordedGrant], takingBack sign: SecretStore.UnloggedSign?
    ) {
        guard let store = session.store else { return }
        do {
            try store.audit(grantEvents(from: (session.record?.grants(of: Set(services)) ?? []) + oneOffs, to: [], of: session.name))
            if let sign { try store.takeBack(sign) }
        } catch {
            session.streams.warn("the store's log does not tell of this: \(error)")
        }
    }

    /// What runs and is in no file, unless it is to go too.
    private static func orphans(
        _ target: TargetStack, _ found: ObservedServices, _ invocation: Invocation
    ) -> [String] {
        guard let defined = target.definedServices, !invocation.removesOrphans else { return [] }
        return found.replicated.filter { !defined.contains($0) }
    }

    /// - Returns: nil where the supervisor ended before it answered.
    private static func takeDown(
        _ session: borrowing StackSession, _ supervisor: SupervisorClient, _ timeout: Int64?, _ display: InstanceProgress
    ) throws -> SupervisorEnd? {
        display.follow(supervisor)
        do {
            // What the store has of the stack is asked for at the end; to take it apart takes a while.
            let end = try supervisor.takeDown(
                timeoutMilliseconds: timeout.map { $0 * 1000 }, onEvent: { display.show($0) }, meanwhile: { _ = session.record })
            return end
        } catch {
            guard error.isLostConnection else { throw error }
            return nil
        }
    }

    /// As ``StackSession/supervisor()``, but for one that can't be started and would find nothing that runs: what is left then goes without.
    private static func findSupervisor(of session: borrowing StackSession) throws -> SupervisorClient? {
        try unlessNothingRuns(session, nil) { try session.supervisor() }
    }

    /// - Parameter nothing: what stands for the answer where that takes a supervisor that can't be started, and nothing runs.
    private static func unlessNothingRuns<Answer>(
        _ session: borrowing StackSession, _ nothing: Answer, _ ask: () throws -> Answer
    ) throws -> Answer {
        do {
            return try ask()
        } catch {
            guard try SupervisorClient.connect(session.directories) == nil, try !StackRemains.hasLiveInstances(session.directories) else { throw error }
            return nothing
        }
    }

    private static let mostSuccessors = 100

    /// - Parameters:
    ///   - services: nil: the whole stack.
    ///   - isSigned: whether a sign stands for what these are granted.
    /// - Returns: whether something of it ran, and the end of its supervisor, where that is to be waited for.
    private static func stop(
        _ session: borrowing StackSession, _ services: [String]?, timeout: Int64?, _ display: InstanceProgress, _ invocation: Invocation, isSigned: Bool
    ) throws -> (hasRun: Bool, end: SupervisorEnd?) {
        guard let supervisor = try findSupervisor(of: session) else {
            // Nobody is left who knows what ended together with its supervisor, unless this command had asked it for all that it had. (A sign
            // that stands for two things can't be taken back.)
            if services != nil || !isSigned, StackRemains.state(session.directories) != nil { _ = leaveSign(invocation) }
            try StackRemains.remove(session.directories)
            return (false, nil)
        }
        guard let services else {
            if let end = try takeDown(session, supervisor, timeout, display) { return (true, end) }
            // It was ending already, a `down` before this one was killed while it waited; or somebody has killed it, and a successor goes on with
            // what still runs. One that is just being killed may take a connection yet.
            for _ in 0..<Self.mostSuccessors {
                guard let successor = try findSupervisor(of: session) else {
                    try StackRemains.remove(session.directories)
                    return (true, nil)
                }
                if let end = try takeDown(session, successor, timeout, display) { return (true, end) }
                poll(nil, 0, 20)
            }
            throw SupervisionError.lostConnection(to: session.directories)
        }
        display.follow(supervisor)
        try supervisor.down(services: services, timeoutMilliseconds: timeout.map { $0 * 1000 }, onEvent: { display.show($0) })
        return (true, nil)
    }
}

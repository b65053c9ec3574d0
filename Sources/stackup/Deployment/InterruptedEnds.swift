import Compose
import Reconciler
import Runner

extension Invocation {
    /// Waits for instances to end that an earlier `stop` or `down` has asked to, which nobody waits for any more, or a signal to the stack's supervisor: what
    /// they leave, and whether that supervisor stays, is known only then. Before the stack's lock is taken, for with a whole stack goes the folder that is locked.
    func awaitEnds(of services: [Service], in stack: String) throws {
        guard let supervisor = try SupervisorClient.connect(paths.directories(of: stack)) else { return }
        do {
            try awaitEnds(of: Set(services.map(\.name)), supervisor)
        } catch {
            // It has ended with its stack, or somebody has killed it: either way what is there now is looked at next.
            if error.isLostConnection { return }
            guard case .refused = error else { throw error }
        }
    }

    private func awaitEnds(of services: Set<String>, _ supervisor: SupervisorClient) throws(SupervisionError) {
        let state = try supervisor.observe()
        let ending = state.replicas.filter { $0.isEnding == true && services.contains($0.service) }
        // Whoever holds the lock waits for a supervisor that was told to end, too, but has nothing to show of it.
        guard !ending.isEmpty || state.isSupervisorEnding == true else { return }
        let display = InstanceProgress(streams, title: "Stopping")
        defer { display.finish() }
        display.follow(supervisor)
        display.show(ending, .working, "Stopping")
        if state.isSupervisorEnding == true { return try supervisor.awaitEnd { display.show($0) } }
        // Nothing is asked for, and it has its turn when all that was before is done.
        try supervisor.stop(services: [])
        display.show(ending, .done, "Stopped")
    }
}

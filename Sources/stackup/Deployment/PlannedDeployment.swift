import Compose
import Linux
import Reconciler
import Runner

/// A plan with all that it was made from.
struct PlannedDeployment {
    let preparation: Preparation
    let observed: ObservedState
    let plan: Plan

    /// Reads sources, looks at what runs, and lets the reconciler find the difference.
    init(_ project: LoadedProject, _ invocation: Invocation, _ session: borrowing StackSession) throws {
        preparation = try Preparation(
            project, services: project.stack.services, paths: invocation.paths, user: invocation.user,
            store: session.store, snapshot: session.snapshot, record: session.record, envFiles: invocation.envFiles(of: project.stack))
        observed = try session.observe()
        // Of services that were named, not of those that they need, as in Compose.
        let named = invocation.operands.isEmpty ? project.stack.services.map(\.name) : invocation.operands
        let options = PlanOptions(
            forceRecreate: invocation.flag("force-recreate") ? Set(named) : [], removeOrphans: invocation.removesOrphans)
        plan = makePlan(
            wanted: preparation.wanted, recorded: session.recordedState, observed: observed, options: options)
    }

    /// Compose's warning about what runs and is in no file any more.
    func reportOrphans(_ streams: Streams) {
        guard !plan.orphans.isEmpty else { return }
        let names = plan.orphans.joined(separator: ", ")
        streams.warn(
            "services run that the Compose files of '\(preparation.stack.name)' don't define: \(names); "
                + "--remove-orphans removes them")
    }
}

extension Invocation {
    /// The env files that interpolation read, as absolute paths.
    func envFiles(of stack: Stack) -> [String] {
        let named = values("env-file")
        return named.isEmpty
            ? [stack.workingDirectory + "/.env"] : named.map { Paths.join(workingDirectory, $0) }
    }
}

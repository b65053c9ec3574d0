import Reconciler
import Runner

extension ObservedState {
    /// A service's instance to work with.
    ///
    /// - Parameters:
    ///   - index: nil: the first that runs.
    ///   - service: or a one-off's key.
    ///   - target: the stack that it is one of.
    func runningInstance(_ index: Int?, of service: String, in target: TargetStack) throws(CommandFailure) -> ObservedInstance {
        let running = instances.filter { $0.service == service && $0.status == .running }.sorted { $0.index < $1.index }
        guard let instance = index.map({ index in running.first { $0.index == index } }) ?? running.first else {
            if !running.isEmpty {
                throw CommandFailure("service '\(service)' has no running instance \(index ?? 1); it has \(running.map { String($0.index) }.joined(separator: ", "))")
            }
            if let oneOff = instances.first(where: { $0.service == service })?.oneOff { throw CommandFailure("'\(oneOff.name)' does not run") }
            let known = instances.filter { $0.service == service }
            if known.contains(where: { $0.status == .restarting }) {
                throw CommandFailure("service '\(service)' has ended and is started again in a while; see why: stackup logs \(service)")
            }
            if known.contains(where: { $0.status == .stopping }) { throw CommandFailure("service '\(service)' is being stopped") }
            throw CommandFailure("service '\(service)' is not running; start it with: \(target.startingCommand(of: service, self))")
        }
        guard instance.isPaused != true else {
            throw CommandFailure("service '\(service)' is paused; let it go on with: stackup unpause \(service)")
        }
        return instance
    }
}

extension ObservedInstance {
    /// What is recorded says as whom a service runs and what it may do; an `up` that failed, or is under way, may not have come to it.
    ///
    /// - Throws: `CommandFailure` where it was launched by another plan.
    func checkItRuns(_ plan: LaunchPlan) throws(CommandFailure) {
        guard configHash == plan.configHash else {
            throw CommandFailure("service '\(service)' runs as an earlier 'up' had it; bring it up to date with: stackup up -d \(service)")
        }
    }
}

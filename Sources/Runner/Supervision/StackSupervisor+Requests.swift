import Linux
import Reconciler

/// What each request means for the instances.
extension StackSupervisor {
    /// Gives the instances their intents; ``settle()`` does the rest.
    /// - Throws: ``SupervisionError`` where the request is refused; nothing was changed then.
    func begin(_ job: Job) throws {
        switch job.request {
        case .observe, .list, .plan, .subscribe, .kill, .hasten, .pause, .unpause, .attend, .report: break
        case .provide(let plans, let surroundings):
            try check(plans)
            take(plans, surroundings)
            // Nobody has watched since that supervisor died.
            cover(surroundings.masks)
        case .apply(let deployment):
            try apply(deployment, of: job)
        case .stop(let names, let timeout, let byHost):
            for instance in try selected(names) where instance.isAlive || instance.phase == .backingOff || instance.awaitsMeans {
                instance.awaitsMeans = false
                instance.grace = timeout
                intend(.stop(byUser: !byHost), instance)
            }
        case .start(let names):
            let chosen = try selected(names)
            try refuseOneOffs(chosen)
            for instance in chosen where !instance.isAlive && instance.phase != .backingOff {
                prepareStart(instance)
                intend(.start, instance, waitsForConditions: true)
            }
        case .restart(let names, let timeout, let withDependents):
            let named = try selected(names)
            try refuseOneOffs(named)
            let cycled = withDependents ? named + restarted(with: named) : named
            // To stop it would be to lose it.
            if let unknown = cycled.first(where: { services[$0.name.service]?.plan == nil })?.name.service {
                throw SupervisionError.refused("service '\(unknown)' could not be started again: its launch plan is not known; run 'up'")
            }
            for instance in cycled {
                instance.grace = timeout
                intend(.cycle, instance)
            }
        case .down(let names, let timeout):
            for instance in try selected(names, missingAllowed: true) {
                instance.grace = timeout
                intend(.remove, instance)
            }
        }
    }

    /// Answered at once, whatever else goes on: a second Ctrl-C must not wait for the grace period of the first.
    ///
    /// - Returns: what was done, for who asked.
    @discardableResult
    func kill(services names: [String]?, signal: Int32) throws(SupervisionError) -> [InstanceEvent] {
        try selected(names).filter(\.isAlive).map { instance in
            kill(instance, signal: signal)
            return event(.signalled(signal: signal), instance.name.service, instance.name.index)
        }
    }

    /// Done at once, whatever else goes on: who asks for an end again, and sooner, must not wait for the time that was given first.
    /// A longer time changes nothing. Nor must he wait for what a start of the same instances waits for.
    ///
    /// - Parameter timeout: nil: each service's own grace period.
    /// - Returns: what is stopping, for who asked.
    @discardableResult
    func hasten(services names: [String]?, timeoutMilliseconds timeout: Int64?) throws(SupervisionError) -> [InstanceEvent] {
        let concerned = try selected(names, missingAllowed: true)
        abandonStarts(of: concerned)
        let ending = concerned.filter { $0.isAlive && $0.intent?.endsProcesses == true }
        for instance in ending {
            let own = services[instance.name.service]?.traits.stopGraceMilliseconds ?? ServiceTraits().stopGraceMilliseconds
            let grace = min(instance.grace ?? own, timeout ?? own)
            instance.grace = grace
            if instance.phase == .stopping { limitStopping(of: instance, to: grace) }
        }
        return ending.filter { $0.phase == .stopping }.map {
            event(.stopping, $0.name.service, $0.name.index)
        }
    }

    /// The instances that asked to be restarted with these, by `depends_on` with `restart`.
    private func restarted(with instances: [Instance]) -> [Instance] {
        let named = Set(instances.map(\.name.service))
        var all = named
        var isComplete = false
        while !isComplete {
            let found = services.filter { service in
                service.value.plan?.dependencies.contains { $0.restarts && all.contains($0.service) } ?? false
            }
            isComplete = all.isSuperset(of: found.keys)
            all.formUnion(found.keys)
        }
        return all.subtracting(named).sorted().flatMap(self.instances.of).filter(\.isAlive)
    }

    func selected(_ names: [String]?, missingAllowed: Bool = false) throws(SupervisionError) -> [Instance] {
        guard let names else { return instances.sorted }
        if !missingAllowed, let missing = names.first(where: { !instances.has($0) }) {
            throw .refused("service '\(missing)' has no instance; run 'up \(missing)'")
        }
        return Set(names).sorted().flatMap(instances.of)
    }

    // MARK: Plans

    func check(_ plans: [LaunchPlan]) throws(SupervisionError) {
        for plan in plans {
            guard InstanceName.isValid(service: plan.service) else { throw .refused("'\(plan.service.prefix(80))' cannot name a service") }
            guard !plan.arguments.isEmpty else { throw .refused("service '\(plan.service)' has no command") }
        }
        try checkOneOffs(plans)
    }

    /// Keeps the plans, and makes up for restarts that had to wait for one.
    func take(_ plans: [LaunchPlan], _ surroundings: StackSurroundings?) {
        if let surroundings {
            self.surroundings = surroundings
            // What was made for launches before knows nothing of new masks.
            host.endLaunches()
            host.watch(surroundings.masks)
        }
        var taken = services
        for plan in plans { taken[plan.service] = SupervisedService(plan: plan, traits: ServiceTraits(plan)) }
        services = taken
        changed(.soon)
        for instance in plans.flatMap({ instances.of($0.service) }) {
            if instance.command.isEmpty, let plan = services[instance.name.service]?.plan, plan.configHash == instance.configHash {
                instance.command = plan.arguments
            }
            if instance.phase == .running, instance.health == nil, instance.hooks == nil, services[instance.name.service]?.plan?.configHash == instance.configHash {
                beginChecks(of: instance)
            }
        }
        restartAwaiting()
    }

    /// Makes up for restarts that had to wait for a plan or for files, where these are there now.
    func restartAwaiting() {
        let waiting = instances.sorted.filter { $0.intent == nil && ($0.awaitsMeans || $0.isRestartOwed) }
        for instance in waiting {
            guard let plan = services[instance.name.service]?.plan, instance.isAlive || missingFile(of: plan) == nil else { continue }
            if instance.isRestartOwed {
                restartAsOwed(instance)
            } else {
                instance.awaitsMeans = false
                applyRestartPolicy(instance)
            }
        }
    }

    // MARK: Masks

    /// Another file has come to lie at a masked path: the mask went with the old one.
    func replaced(_ paths: [String]) {
        cover(paths)
    }

    func cover(_ paths: [String]) {
        guard !paths.isEmpty else { return }
        let paths = host.withAliases(paths)
        for instance in instances.sorted where instance.isAlive {
            instance.uncovered += paths
            if instance.phase != .starting { cover(instance) }
        }
    }

    /// Covers in an instance what was replaced since its own masks were made.
    func cover(_ instance: Instance) {
        let paths = instance.uncovered
        instance.uncovered = []
        guard !paths.isEmpty, let pid = instance.process?.pid else { return }
        let service = instance.name.service
        let plan = services[service]?.plan ?? services[service]?.traits.mounts.map { LaunchPlan(service: service, arguments: [], mounts: $0) }
        host.remask(
            paths + (plan?.aliases(of: paths) ?? []), pins: plan?.pins(of: paths).map(\.inInstance) ?? [], of: service, instance: pid)
    }
}

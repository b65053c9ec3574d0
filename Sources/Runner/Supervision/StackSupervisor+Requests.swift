import Linux
import Reconciler

/// What each request means for the instances.
extension StackSupervisor {
    /// Gives the instances their intents; ``settle()`` does the rest.
    /// - Throws: ``SupervisionError`` where the request is refused; nothing was changed then.
    func begin(_ job: Job) throws {
        switch job.request {
        case .observe, .plan, .subscribe, .kill, .hasten, .pause, .unpause, .attend, .report: break
        case .provide(let plans, let surroundings):
            try check(plans)
            take(plans, surroundings)
            // Nobody has watched since that supervisor died.
            cover(surroundings.masks)
        case .apply(let deployment):
            try apply(deployment, of: job)
        case .stop(let names, let timeout):
            for instance in try selected(names) where instance.isAlive || instance.phase == .backingOff || instance.awaitsPlan {
                instance.awaitsPlan = false
                instance.grace = timeout
                intend(.stop(byUser: true), instance)
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
            return InstanceEvent(service: instance.name.service, index: instance.name.index, kind: .signalled(signal: signal))
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
            InstanceEvent(service: $0.name.service, index: $0.name.index, kind: .stopping)
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
        return self.instances.values.filter { all.contains($0.name.service) && !named.contains($0.name.service) && $0.isAlive }
            .sorted { $0.name < $1.name }
    }

    func selected(_ names: [String]?, missingAllowed: Bool = false) throws(SupervisionError) -> [Instance] {
        guard let names else { return instances.values.sorted { $0.name < $1.name } }
        let wanted = Set(names)
        let found = instances.values.filter { wanted.contains($0.name.service) }.sorted { $0.name < $1.name }
        if !missingAllowed, let missing = names.first(where: { name in !found.contains { $0.name.service == name } }) {
            throw .refused("service '\(missing)' has no instance; run 'up \(missing)'")
        }
        return found
    }

    // MARK: Plans

    private func check(_ plans: [LaunchPlan]) throws(SupervisionError) {
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
        let provided = Set(plans.map(\.service))
        for instance in instances.values where provided.contains(instance.name.service) {
            if instance.command.isEmpty, let plan = services[instance.name.service]?.plan, plan.configHash == instance.configHash {
                instance.command = plan.arguments
            }
            if instance.phase == .running, instance.health == nil, instance.hooks == nil, services[instance.name.service]?.plan?.configHash == instance.configHash {
                beginChecks(of: instance)
            }
            guard instance.intent == nil else { continue }
            if instance.isRestartOwed {
                restartAsOwed(instance)
            } else if instance.awaitsPlan {
                instance.awaitsPlan = false
                applyRestartPolicy(instance)
            }
        }
    }

    // MARK: Masks

    /// Another file has come to lie at a masked path: the mask went with the old one.
    func replaced(_ paths: [String]) {
        cover(paths)
    }

    private func cover(_ paths: [String]) {
        guard !paths.isEmpty else { return }
        let paths = host.withAliases(paths)
        for instance in instances.values.sorted(by: { $0.name < $1.name }) where instance.isAlive {
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

    // MARK: Deployments

    private struct Write {
        let service: String
        let file: MountedFile
        let range: Range<Int>
    }

    private enum FileStep {
        case write(Write)
        case remove(service: String, file: MountedFile)
    }

    private func apply(_ deployment: Deployment, of job: Job) throws {
        // All of it is looked at first, so that a deployment that is refused has changed nothing.
        try check(deployment.plans)
        let steps = try fileSteps(of: deployment)
        let known = Set(services.keys).union(deployment.plans.map(\.service))
        for operation in deployment.operations { try check(operation, known: known) }
        if let schedule = deployment.schedule { try ScheduledRenewal.check(schedule) }
        let called = try checkCaller(deployment, job.descriptors)
        job.descriptors = nil

        take(deployment.plans, deployment.surroundings)
        if let schedule = deployment.schedule { self.schedule(schedule) }
        let ending = deployment.ending
        // Should this process be killed from here on, its successor knows what the services are still to be told.
        owe(reactions(to: deployment.operations, but: ending))
        for step in steps {
            do {
                try take(step, payload: job.payload, but: ending)
            } catch {
                // A service may have made its own file's place unfit: nobody else's new value, and no revocation, waits for it.
                job.failures.append("\(error)")
            }
            changed(.soon)
        }
        cover(deployment.masks.map(\.path))
        for file in deployment.masks { maskedFiles[file.path] = file.identity }
        for operation in deployment.operations { intend(operation) }
        if let (name, caller) = called { instances[name]?.caller = caller }
        react()
    }

    private func take(_ step: FileStep, payload: LockedBuffer?, but ending: Set<InstanceName>) throws {
        switch step {
        case .write(let write):
            let bytes = payload?.slice(write.range) ?? UnsafeRawBufferPointer(start: nil, count: 0)
            let old = host.mountedFile(of: write.service, at: write.file.target)
            try host.write(write.file, bytes: bytes, of: write.service, instances: livePIDs(of: write.service, but: ending))
            emit(InstanceEvent(service: write.service, kind: .fileWritten(target: write.file.target)))
            emitWritten(write.file, of: write.service, over: old)
        case .remove(let service, let file):
            try host.remove(file, of: service, instances: livePIDs(of: service, but: ending))
            emit(InstanceEvent(service: service, kind: .fileRemoved(target: file.target)))
            emitRemoved(file, of: service)
        }
    }

    private func check(_ operation: Deployment.Operation, known: Set<String>) throws(SupervisionError) {
        switch operation {
        case .create(let service, let index), .recreate(let service, let index), .start(let service, let index), .remove(let service, let index):
            guard InstanceName(service: service, index: index).isValid else { throw .refused("there can be no instance \(index) of '\(service.prefix(80))'") }
            if case .remove = operation { return }
            guard known.contains(service) else { throw .refused("service '\(service)' has no launch plan") }
            if OneOff.service(ofKey: service) != nil {
                guard case .create = operation, instances[InstanceName(service: service, index: index)] == nil else {
                    throw .refused("the one-off '\(service)' is there already, and is not started again")
                }
            }
        case .signal(_, let signal):
            guard (1...64).contains(signal) else { throw .refused("there is no signal \(signal)") }
        case .write, .removeFile, .restart: break
        }
    }

    /// The files' steps in their order, each with the place of its bytes.
    private func fileSteps(of deployment: Deployment) throws(SupervisionError) -> [FileStep] {
        var ranges: [Deployment.Destination: Range<Int>] = [:]
        var offset = 0
        for part in deployment.payloads {
            for destination in part.files { ranges[destination] = offset..<offset + part.length }
            offset += part.length
        }
        var steps: [FileStep] = []
        var written = Set<Deployment.Destination>()
        for operation in deployment.operations {
            switch operation {
            case .write(let service, let file):
                guard InstanceName.isValid(service: service) else { throw .refused("'\(service.prefix(80))' cannot name a service") }
                let destination = Deployment.Destination(service: service, target: file.target)
                guard let range = ranges[destination] else { throw .refused("no bytes came for \(file.target) of service '\(service)'") }
                written.insert(destination)
                steps.append(.write(Write(service: service, file: file, range: range)))
            case .removeFile(let service, let file): steps.append(.remove(service: service, file: file))
            default: break
            }
        }
        // A file that changed its grant but kept its place was written under the new one: it must not go.
        steps.removeAll { step in
            guard case .remove(let service, let file) = step else { return false }
            return written.contains(Deployment.Destination(service: service, target: file.target))
        }
        // The files of a service that is created may come with its plan alone.
        for plan in deployment.plans {
            for file in plan.files {
                let destination = Deployment.Destination(service: plan.service, target: file.target)
                if let range = ranges[destination], written.insert(destination).inserted {
                    steps.append(.write(Write(service: plan.service, file: file, range: range)))
                }
            }
        }
        return steps
    }

    private func intend(_ operation: Deployment.Operation) {
        switch operation {
        case .create(let service, let index):
            let name = InstanceName(service: service, index: index)
            if let instance = instances[name] {
                intend(.cycle, instance, waitsForConditions: true)
            } else {
                let instance = Instance(name: name, createdAt: wallClock())
                instances[name] = instance
                emit(.created, name)
                intend(.start, instance, waitsForConditions: true)
            }
        case .recreate(let service, let index):
            let name = InstanceName(service: service, index: index)
            let instance = instances[name] ?? Instance(name: name, createdAt: wallClock())
            instances[name] = instance
            instance.createdAt = wallClock()
            intend(.cycle, instance, waitsForConditions: true)
        case .start(let service, let index):
            let name = InstanceName(service: service, index: index)
            let instance = instances[name] ?? Instance(name: name, createdAt: wallClock())
            instances[name] = instance
            if instance.isAlive { return }
            prepareStart(instance)
            intend(.start, instance, waitsForConditions: true)
        case .remove(let service, let index):
            if let instance = instances[InstanceName(service: service, index: index)] { intend(.remove, instance) }
        case .write, .removeFile, .signal, .restart: break
        }
    }
}

extension Deployment {
    /// Instances that this deployment ends: they need nothing changed in them any more, and may lack a place for it.
    fileprivate var ending: Set<InstanceName> {
        Set(operations.compactMap { operation in
            switch operation {
            case .recreate(let service, let index), .remove(let service, let index):
                InstanceName(service: service, index: index)
            default: nil
            }
        })
    }
}

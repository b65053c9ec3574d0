/// What instances are to become, step by step.
extension StackSupervisor {
    /// Takes every step that is possible now, then finishes the job if nothing is left of it. What a step itself brings about is
    /// looked at in the same pass.
    func settle() {
        guard !isSettling else { return }
        isSettling = true
        takeSteps()
        isSettling = false
        guard pending.isEmpty else { return }
        for service in emptied where !instances.has(service) { services[service] = nil }
        emptied = []
        if let job = current { finish(job) }
    }

    /// As ``settle()``, but once for all events that came together where a loop calls ``settleIfDue()`` after them: of a thousand
    /// instances that end, each would be looked at for each.
    func settleSoon() {
        guard settlesAfterEvents else { return settle() }
        isSettlingDue = true
    }

    func settleIfDue() {
        guard isSettlingDue else { return }
        isSettlingDue = false
        settle()
    }

    /// Takes the mounts of services away that have lost their last instance.
    private func discardMounts() {
        guard !vacated.isEmpty else { return }
        for service in vacated where !instances.has(service) {
            host.discardMount(of: service)
            emptied.insert(service)
        }
        vacated = []
    }

    /// Whether the whole stack is being taken down.
    var isGoing: Bool {
        if case .down(services: nil, _) = current?.request { true } else { false }
    }

    private func takeSteps() {
        defer { host.endLaunches() }
        var progressed = true
        while progressed && !pending.isEmpty {
            progressed = false
            // What a living instance that is about to end depends on has to outlive it.
            var needed = Set<String>()
            var unstarted = Set<String>()
            for instance in hasDependencies ? pending : [] {
                if instance.isAlive && instance.intent?.endsProcesses == true {
                    needed.formUnion(dependencies(of: instance.name.service))
                }
                if instance.intent == .start || instance.intent == .cycle { unstarted.insert(instance.name.service) }
            }
            for instance in pending {
                progressed = step(instance, needed: needed, unstarted: unstarted) || progressed
            }
            pending.removeAll { $0.intent == nil }
            discardMounts()
        }
    }

    /// - Returns: whether others may go on now that waited for it.
    private func step(_ instance: Instance, needed: Set<String>, unstarted: Set<String>) -> Bool {
        guard let intent = instance.intent else { return true }
        if intent.endsProcesses {
            guard instance.isAlive else {
                concludeEnd(instance, intent)
                return hasDependencies || instance.intent != nil
            }
            if instance.phase != .stopping, !needed.contains(instance.name.service) {
                // Nothing of the service is to stay.
                if instances.of(instance.name.service).allSatisfy({ $0.intent == .remove }) { host.releaseMount(of: instance.name.service) }
                requestStop(instance)
            }
            return false
        }
        guard !instance.isAlive else { return false }
        guard dependencies(of: instance.name.service).isDisjoint(with: unstarted), mayStart(instance) else { return instance.intent == nil }
        // A start may take long, and what is left in there are secrets.
        discardMounts()
        launch(instance)
        return instance.intent == nil
    }

    private func concludeEnd(_ instance: Instance, _ intent: Instance.Intent) {
        instance.intent = nil
        instance.grace = nil
        switch intent {
        case .stop(let byUser):
            instance.phase = .exited
            instance.stoppedByUser = instance.stoppedByUser || byUser
            emit(.stopped, instance.name)
            concludeOneOff(instance)
        case .remove:
            // A restart that it waited for means nothing any more.
            instance.phase = .exited
            instances[instance.name] = nil
            stoppedServices.remove(instance.name.service)
            instance.caller = nil
            // Of a whole stack all goes at once, in the end, which is quicker than one by one.
            if isGoing { removedWithStack.append(instance.name) } else { host.forget(instance.name) }
            emit(.removed, instance.name)
            vacated.insert(instance.name.service)
        case .cycle:
            prepareStart(instance)
            instance.intent = .start
        case .start: break
        }
        changed(.soon)
    }

    /// Forgets what earlier runs have left, as for a start by hand; but not how the last one ended, which stays so where nothing is started.
    func prepareStart(_ instance: Instance) {
        instance.phase = .waiting
        instance.restarts = 0
        instance.attempts = 0
        instance.backoff = RestartBackoff()
        instance.stoppedByUser = false
        instance.failure = nil
        instance.awaitsMeans = false
        instance.isHeld = false
    }
}

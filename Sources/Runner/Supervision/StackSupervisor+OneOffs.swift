import Reconciler

/// Instances that `run` has started: they start once, and what they need is theirs alone.
extension StackSupervisor {
    /// Whether plans and their names agree on what is a one-off.
    func checkOneOffs(_ plans: [LaunchPlan]) throws(SupervisionError) {
        for plan in plans {
            guard plan.oneOff?.service == OneOff.service(ofKey: plan.service) else {
                throw .refused("'\(plan.service)' is a one-off's name, or should be one")
            }
            if plan.oneOff != nil, plan.restart != .no { throw .refused("a one-off is not started again: '\(plan.service)' has a restart policy") }
        }
    }

    /// Whether a deployment that somebody waits for creates one new one-off, which is what they wait for.
    func checkCaller(_ deployment: Deployment, _ descriptors: PassedDescriptors?) throws(SupervisionError) -> (InstanceName, InstanceCaller)? {
        guard let caller = deployment.caller else { return nil }
        let created = deployment.operations.compactMap { operation in
            if case .create(let service, let index) = operation, OneOff.service(ofKey: service) != nil { InstanceName(service: service, index: index) } else { nil }
        }
        guard created.count == 1, instances[created[0]] == nil else { throw .refused("somebody waits for a one-off, and \(created.count) are created") }
        guard let descriptors, let caller = InstanceCaller(caller, descriptors) else { throw .refused("the descriptors of a one-off did not come") }
        return (created[0], caller)
    }

    /// One that has ended is never started again: its secrets go, with all that a start needs, and itself, where that was asked for.
    func concludeOneOff(_ instance: Instance) {
        let key = instance.name.service
        guard let oneOff = services[key]?.traits.oneOff, instance.phase == .exited, instance.intent == nil, instances[instance.name] === instance
        else { return }
        host.discardMount(of: key)
        services[key]?.plan = nil
        // Whoever waits for it takes the stack down himself where it was all that there was.
        let isAttended = instance.caller != nil
        instance.caller = nil
        instance.command = Self.shown(instance.command)
        if oneOff.isRemovedAtEnd {
            removeOneOff(instance)
            if !isAttended, instances.isEmpty { isLeftEmpty = true }
        } else {
            // Whoever runs one each minute must not make every answer longer for ever.
            let ended = instances.all.filter { services[$0.name.service]?.traits.oneOff != nil && $0.phase == .exited }
            if ended.count > Self.keptOneOffs, let oldest = ended.min(by: { ($0.finishedAt ?? 0, $0.name.service) < ($1.finishedAt ?? 0, $1.name.service) }) {
                removeOneOff(oldest)
            }
        }
        changed(.soon)
    }

    /// So many that have ended are kept, for people to see.
    static let keptOneOffs = 100

    private func removeOneOff(_ instance: Instance) {
        // What it is called is known no longer, afterwards.
        let removed = event(.removed, instance.name.service, instance.name.index)
        instances[instance.name] = nil
        services[instance.name.service] = nil
        host.forget(instance.name)
        emit(removed)
    }

    /// As much of a command line as is worth keeping of one that has ended: a script may be one of its words.
    private static func shown(_ command: [String]) -> [String] {
        var room = 1024
        var shown: [String] = []
        for word in command where room > 0 {
            shown.append(word.utf8.count <= room ? word : String(word.unicodeScalars.prefix(room)) + "…")
            room -= word.utf8.count
        }
        return shown
    }

    /// Refuses to start again what starts once.
    func refuseOneOffs(_ instances: [Instance]) throws(SupervisionError) {
        if let oneOff = instances.compactMap({ services[$0.name.service]?.traits.oneOff }).first {
            throw .refused("'\(oneOff.name)' is a one-off, which is not started again; run: stackup run \(oneOff.service)")
        }
    }
}

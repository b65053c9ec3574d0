import Reconciler

/// Instances that stand still, and what the kernel does to those that want too much memory.
extension StackSupervisor {
    /// Freezes the running instances of services. Answered at once, whatever else goes on.
    ///
    /// - Returns: what was done, for who asked.
    func pause(services names: [String]?) throws(SupervisionError) -> [InstanceEvent] {
        let concerned = try selected(names).filter { $0.phase == .running || $0.isPaused }
        if let paused = concerned.first, concerned.allSatisfy(\.isPaused) { throw .refused("\(shownName(paused.name)) is paused already") }
        var events: [InstanceEvent] = []
        for instance in concerned where !instance.isPaused {
            do {
                try host.freeze(instance.name)
            } catch {
                throw .refused("\(shownName(instance.name)): \(error)")
            }
            instance.isPaused = true
            // A successor that did not know would wait for the end of what can't end, and not find the group that was made for it.
            changed(.urgent)
            let event = event(.paused, instance.name.service, instance.name.index)
            onEvent(event)
            events.append(event)
        }
        return events
    }

    /// Lets them go on.
    ///
    /// - Returns: what was done, for who asked.
    func unpause(services names: [String]?) throws(SupervisionError) -> [InstanceEvent] {
        let concerned = try selected(names).filter { $0.phase == .running || $0.isPaused }
        if let running = concerned.first, !concerned.contains(where: \.isPaused) { throw .refused("\(shownName(running.name)) is not paused") }
        return try concerned.filter(\.isPaused).map { instance throws(SupervisionError) in
            do {
                try host.thaw(instance.name)
            } catch {
                throw .refused("\(shownName(instance.name)): \(error)")
            }
            return resumed(instance)
        }
    }

    /// Has what is about to end go on first: nobody who is frozen hears a signal.
    func resume(_ instance: Instance) {
        guard instance.isPaused else { return }
        try? host.thaw(instance.name)
        _ = resumed(instance)
    }

    private func resumed(_ instance: Instance) -> InstanceEvent {
        instance.isPaused = false
        changed(.urgent)
        let event = event(.unpaused, instance.name.service, instance.name.index)
        onEvent(event)
        // Checks have stood still with it: one that was under way gets its whole time again.
        if let health = instance.health, let running = health.running {
            limitCheck(of: instance, running)
        } else {
            scheduleCheck(of: instance)
        }
        return event
    }

    /// The kernel has killed processes of an instance for want of memory.
    ///
    /// - Parameter kills: how many since its start.
    func ranOutOfMemory(_ name: InstanceName, kills: Int64) {
        guard let instance = instances[name], instance.isAlive, kills > instance.outOfMemoryKills else { return }
        instance.outOfMemoryKills = kills
        changed(.soon)
        emit(.outOfMemory, name)
    }
}

extension Instance {
    /// The end of a sentence about its end.
    var memoryRemark: String { outOfMemoryKills > 0 ? ": the kernel killed it for want of memory" : "" }
}

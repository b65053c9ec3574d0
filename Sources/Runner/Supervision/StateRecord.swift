import Reconciler

/// What a supervisor leaves for its successor: `state.json`.
///
/// No plan, no environment, no command line, no value of a secret: what a restart needs of those, a command sends again.
struct StateRecord: Equatable {
    /// The run of the kernel that all of it belongs to.
    var bootID: String
    var services: [Service]
    /// Without their command lines.
    var instances: [ObservedInstance]
    /// What instances are still to be told of changed files; nil where it is nothing.
    var owed: [OwedReaction]?
    /// When secrets get new values; nil where none do.
    var renewals: [RenewalClock.Entry]?

    struct Service: Equatable {
        var name: String
        var traits: ServiceTraits
        /// What its tmpfs holds; nil where it has none.
        var files: [MountedFile]?
    }
}

/// Who supervises: `supervisor.json`.
struct SupervisorRecord: Codable, Equatable {
    var process: ProcessIdentity
    var bootID: String
}

extension StackSupervisor {
    func record(bootID: String) -> StateRecord {
        StateRecord(
            bootID: bootID,
            services: services.keys.sorted().map { name in
                StateRecord.Service(name: name, traits: services[name]?.traits ?? ServiceTraits(), files: host.mountedFiles(of: name))
            },
            instances: instances.sorted.map { instance in
                var observed = observed(instance)
                observed.command = []
                // Who takes over carries no request out that somebody has made here.
                observed.isEnding = nil
                // A restart that waits is one to it, whatever it waits for here.
                observed.awaitsMeans = nil
                if instance.awaitsMeans { observed.status = .restarting }
                // What a check prints is the service's own matter.
                observed.health?.output = nil
                return observed
            },
            owed: owed.isEmpty ? nil : owed, renewals: renewals.record.isEmpty ? nil : renewals.record)
    }

    /// Takes over what a predecessor has left.
    ///
    /// - Parameters:
    ///   - survivors: the instances whose processes were found alive and adopted.
    ///   - exitCode: the status that an instance's pid 1 has left behind.
    func adopt(_ record: StateRecord, survivors: Set<InstanceName>, exitCode: (InstanceName) -> Int32?) {
        for service in record.services where InstanceName.isValid(service: service.name) {
            services[service.name] = SupervisedService(plan: nil, traits: service.traits)
        }
        let restarts = Set((record.owed ?? []).filter { $0.signal == nil }.map { InstanceName(service: $0.service, index: $0.index) })
        for observed in record.instances {
            let name = InstanceName(service: observed.service, index: observed.index)
            guard name.isValid else { continue }
            let instance = Instance(name: name, createdAt: observed.createdAt)
            instance.startedAt = observed.startedAt
            instance.finishedAt = observed.finishedAt
            instance.exitCode = observed.exitCode
            instance.restarts = observed.restarts
            instance.stoppedByUser = observed.stoppedByUser
            instance.configHash = observed.configHash
            instance.failure = observed.failure
            instance.isHeld = observed.isHeld ?? false
            // How many they were nobody will ask.
            instance.outOfMemoryKills = observed.ranOutOfMemory == true ? 1 : 0
            instances[name] = instance
            if survivors.contains(name), let pid = observed.pid, let startTime = observed.startTime {
                instance.process = ProcessIdentity(pid: pid, startTime: startTime)
                instance.phase = .running
                instance.adoptedHealth = observed.health
                instance.isPaused = observed.isPaused ?? false
                // How long it has run already, so that its back-off starts anew only if it should.
                instance.lastStart = now() - max(wallClock() - (observed.startedAt ?? wallClock()), 0) * 1000
                continue
            }
            instance.phase = .exited
            switch observed.status {
            case .exited: continue
            case .created where observed.pid == nil:
                concludeOneOff(instance)
                continue
            case .restarting: break
            default:
                instance.exitCode = exitCode(name)
                instance.finishedAt = wallClock()
            }
            if !restarts.contains(name) { applyRestartPolicy(instance) }
            concludeOneOff(instance)
        }
        renewals.adopt(record.renewals ?? [])
        adopt(record.owed ?? [], survivors: survivors)
        changed(.soon)
    }
}

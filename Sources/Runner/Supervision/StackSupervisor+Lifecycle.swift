import Glibc
import Linux
import Reconciler

/// An instance's life: launched, running, ended, started again.
extension StackSupervisor {
    func launch(_ instance: Instance) {
        let name = instance.name
        // A start that fails counts, too: what hinders it may do so for long, and the pauses between tries are to grow.
        instance.lastStart = now()
        instance.phase = .waiting
        instance.isRestartOwed = false
        instance.failure = nil
        instance.exitCode = nil
        instance.outOfMemoryKills = 0
        instance.wasKilled = false
        guard let plan = services[name.service]?.plan else {
            return launchFailed(instance, "its launch plan is not known; run 'up'")
        }
        // Without its files a service would start, fail in its own way and be hard to understand.
        if let missing = missingFile(of: plan) {
            return launchFailed(instance, "its file \(missing.target) is not in place; run 'up'")
        }
        emit(.starting, name)
        let caller = instance.caller
        instance.caller = nil
        instance.configHash = plan.configHash
        instance.uncovered = []
        instance.command = plan.arguments
        do {
            instance.process = try host.launch(plan, in: surroundings, as: name, for: caller)
            instance.phase = .starting
            instance.startedAt = wallClock()
            instance.finishedAt = nil
            changed(.launched)
        } catch {
            launchFailed(instance, "\(error)")
        }
    }

    /// A file that a service is to have and that is not in place.
    func missingFile(of plan: LaunchPlan) -> MountedFile? {
        guard !plan.files.isEmpty else { return nil }
        let present = Set((host.mountedFiles(of: plan.service) ?? []).map { Bytewise($0.target) })
        return plan.files.first { !present.contains(Bytewise($0.target)) }
    }

    /// The instance's command runs.
    func started(_ name: InstanceName) {
        guard let instance = instances[name], instance.phase == .starting else { return }
        // Whoever hears of it may rely on a successor's knowing of it.
        if unsaved == .launched { changed(.urgent) }
        instance.phase = .running
        cover(instance)
        emit(.started(pid: instance.process?.pid ?? 0), name)
        beginChecks(of: instance)
        beginHooks(.postStart, of: instance)
        // Its process is recorded: whoever adopts it takes it for running.
        changed(instance.health == nil && instance.hooks == nil ? .late : .soon)
    }

    /// Nothing is left to do for its start.
    func concludeStart(_ instance: Instance) {
        if instance.intent == .start { instance.intent = nil }
        settleSoon()
    }

    /// The instance's command could not be run; its end is reported apart.
    func startReported(_ name: InstanceName, failure: String) {
        instances[name]?.failure = failure
    }

    /// The instance's processes are gone.
    /// - Parameter code: as a shell has it; nil where nobody knows.
    func ended(_ name: InstanceName, code: Int32?) {
        guard let instance = instances[name], instance.isAlive else { return }
        let phase = instance.phase
        // Only a process's parent is told by the kernel, and an adopted one is the child of another.
        let code = code ?? (instance.wasKilled ? 128 + SIGKILL : nil)
        instance.phase = .exited
        instance.process = nil
        instance.health = nil
        instance.adoptedHealth = nil
        instance.hooks = nil
        instance.isPaused = false
        instance.exitCode = code
        instance.finishedAt = wallClock()
        changed(.soon)
        switch phase {
        case .starting where instance.intent == .start:
            startFailed(instance, instance.failure ?? "it ended with status \(code ?? -1) before its command ran\(instance.memoryRemark)")
        default:
            emit(.exited(code: code ?? -1), name)
            if phase == .stopping, instance.intent == .cycle { emit(.stopped, name) }
            if let failure = instance.failure { emit(.failed(reason: failure), name) }
            if instance.intent == .start {
                // Its post_start hooks have not ended.
                instance.intent = nil
                current?.failures.append("\(shownName(name)): it ended with status \(code ?? -1) right after its start\(instance.memoryRemark)")
                failDependents(of: name.service)
            }
            if instance.intent == nil { applyRestartPolicy(instance) }
        }
        concludeOneOff(instance)
        settleSoon()
    }

    private func launchFailed(_ instance: Instance, _ reason: String) {
        // As shells and container engines have it where set-up fails before there is a process.
        instance.exitCode = 125
        instance.finishedAt = wallClock()
        startFailed(instance, reason)
    }

    func startFailed(_ instance: Instance, _ reason: String) {
        instance.phase = .exited
        instance.failure = reason
        instance.caller = nil
        emit(.failed(reason: reason), instance.name)
        changed(.soon)
        defer { concludeOneOff(instance) }
        guard instance.intent == .start else { return }
        instance.intent = nil
        current?.failures.append("\(shownName(instance.name)): \(reason)")
        failDependents(of: instance.name.service)
    }

    /// What depends on it would start into nothing.
    func failDependents(of service: String) {
        for other in pending where other.intent == .start && !other.isAlive && requires(other.name.service, service) {
            startFailed(other, "'\(service)', which it depends on, did not start")
        }
    }

    // MARK: Stopping

    func requestStop(_ instance: Instance) {
        let traits = services[instance.name.service]?.traits ?? ServiceTraits()
        let wasRunning = instance.phase == .running
        resume(instance)
        emit(.stopping, instance.name)
        instance.phase = .stopping
        abandonHooks(of: instance, because: "it was killed, since the instance is stopped")
        changed(.soon)
        let plan = services[instance.name.service]?.plan
        if wasRunning, plan == nil, traits.hasPreStopHooks == true {
            // The supervisor has taken it over, and nobody could tell it yet what these are.
            let kind = HookSequence.Kind.preStop.rawValue
            emit(.hookFailed(hook: kind, reason: "it is in the store, which could not be opened since the supervisor was replaced"), instance.name)
        }
        guard wasRunning, plan?.preStop != nil else { return sendStopSignal(to: instance) }
        instance.stopDeadline = .max
        // They have as long as the service has after them.
        limitStopping(of: instance, to: instance.grace ?? traits.stopGraceMilliseconds)
        beginHooks(.preStop, of: instance)
    }

    func sendStopSignal(to instance: Instance) {
        let traits = services[instance.name.service]?.traits ?? ServiceTraits()
        sendEnding(traits.stopSignal, to: instance)
        instance.stopDeadline = .max
        limitStopping(of: instance, to: instance.grace ?? traits.stopGraceMilliseconds)
    }

    private func sendEnding(_ signal: Int32, to instance: Instance) {
        if signal == SIGKILL { instance.wasKilled = true }
        host.signal(instance.name, signal)
        onEndingSignal(event(.signalled(signal: signal), instance.name.service, instance.name.index))
    }

    /// Kills an instance that is stopping once it has had this time, unless it has less already.
    func limitStopping(of instance: Instance, to milliseconds: Int64) {
        let (deadline, overflow) = now().addingReportingOverflow(max(milliseconds, 0))
        guard !overflow, deadline < instance.stopDeadline else { return }
        instance.stopDeadline = deadline
        deadlines.add(.grace(instance, generation: instance.generation), at: deadline)
    }

    /// A person's signal. One that is meant to end the instance keeps its restart policy from undoing that.
    func kill(_ instance: Instance, signal: Int32) {
        let stopSignal = services[instance.name.service]?.traits.stopSignal ?? SIGTERM
        if signal == SIGKILL || signal == stopSignal {
            instance.stoppedByUser = true
            changed(.soon)
        }
        if signal == SIGKILL { instance.wasKilled = true }
        host.signal(instance.name, signal)
        if signal == SIGKILL { instance.isPaused = false }
        emit(.signalled(signal: signal), instance.name)
    }

    // MARK: Restarting

    func applyRestartPolicy(_ instance: Instance) {
        guard !instance.stoppedByUser, let service = services[instance.name.service] else { return }
        let ran = now() - instance.lastStart
        let limits = service.traits.restartLimits ?? RestartLimits()
        if let window = limits.windowMilliseconds, ran >= window { instance.attempts = 0 }
        var maximum = limits.maximumAttempts
        switch service.traits.restart {
        case .no: return
        case .always, .unlessStopped: break
        case .onFailure(let own):
            if instance.exitCode == 0 { return }
            maximum = own ?? maximum
        }
        if let maximum, maximum > 0, instance.attempts >= maximum { return }
        // A service's files go with the last of its processes where no supervisor holds them. To try again and again would bring nothing back.
        guard let plan = service.plan, missingFile(of: plan) == nil else {
            instance.awaitsMeans = true
            changed(.soon)
            return
        }
        // A delay of nothing would keep the machine busy with what fails at once.
        let delay = max(limits.delayMilliseconds ?? instance.backoff.next(afterRunning: ran), 10)
        instance.phase = .backingOff
        emit(.restarting(milliseconds: delay), instance.name)
        deadlines.add(.restart(instance, generation: instance.generation), at: later(delay))
    }

    // MARK: Deadlines

    var nextDeadline: Int64? { deadlines.next }

    /// When so many milliseconds have passed.
    func later(_ milliseconds: Int64) -> Int64 {
        let (time, overflow) = now().addingReportingOverflow(max(milliseconds, 0))
        return overflow ? .max : time
    }

    /// Does what is due by now.
    func handleDeadlines() {
        defer { host.endLaunches() }
        let time = now()
        while let deadline = deadlines.popDue(at: time) {
            switch deadline {
            case .grace(let instance, let generation):
                // One that a later deadline has taken the place of means nothing any more.
                guard instance.generation == generation, instance.phase == .stopping, instance.stopDeadline <= time else { continue }
                instance.stopDeadline = .max
                if instance.hooks != nil {
                    abandonHooks(of: instance, because: "it took longer than the grace period, and was killed")
                } else {
                    sendEnding(SIGKILL, to: instance)
                }
            case .restart(let instance, let generation):
                guard instance.generation == generation, instance.phase == .backingOff, instance.intent == nil else { continue }
                instance.restarts += 1
                instance.attempts += 1
                launch(instance)
                // What hinders it now may be gone in a while.
                if instance.phase == .exited { applyRestartPolicy(instance) }
                // Others may wait for it in vain from now on.
                settleSoon()
            case .check(let instance, let generation):
                guard instance.generation == generation, let health = instance.health, health.due <= time, health.running == nil,
                    !instance.isPaused
                else { continue }
                instance.health?.due = .max
                check(instance)
            case .checkTimeout(let instance, let generation):
                guard instance.generation == generation else { continue }
                instance.health?.awaitsTimeout = false
                if let id = instance.health?.running { endLateCheck(of: instance, id) }
            }
        }
    }
}

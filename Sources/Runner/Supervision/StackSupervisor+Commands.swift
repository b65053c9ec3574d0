import Reconciler

/// Hooks of an instance that run one after the other.
struct HookSequence {
    enum Kind: String {
        case postStart = "post_start"
        case preStop = "pre_stop"
    }

    let kind: Kind
    /// Those that have not been begun.
    var remaining: ArraySlice<InstanceCommand>
    /// The one that runs.
    var running: UInt64?
}

/// Commands that run in instances: health checks and hooks.
extension StackSupervisor {
    /// A command that has been begun and has not ended.
    struct RunningCommand {
        enum Purpose {
            case check(began: Int64)
            case hook
        }

        let instance: Instance
        let purpose: Purpose
        /// When it has had its time.
        var deadline = Int64.max
        /// What it comes to is known already.
        var isConcluded = false
    }

    private func begin(_ command: InstanceCommand, in instance: Instance, for purpose: RunningCommand.Purpose) throws -> UInt64 {
        lastCommand += 1
        var command = command
        if let plan = services[instance.name.service]?.plan {
            command.environment = plan.completed(command.environment, inInstance: instance.name.index)
        }
        try host.run(command, in: instance.name, as: lastCommand)
        commands[lastCommand] = RunningCommand(instance: instance, purpose: purpose)
        return lastCommand
    }

    /// A command's processes are gone, or it is not waited for any more.
    ///
    /// - Parameters:
    ///   - code: as a shell has it; nil where it could not be run.
    ///   - output: the beginning of what it printed, or why it could not be run.
    func commandEnded(_ id: UInt64, code: Int32?, output: String) {
        guard let command = commands.removeValue(forKey: id) else { return }
        let instance = command.instance
        switch command.purpose {
        case .check(let began) where instance.health?.running == id:
            instance.health?.running = nil
            if !command.isConcluded { conclude(instance, .init(exitCode: code, output: output, began: began)) }
            scheduleCheck(of: instance)
        case .hook where instance.hooks?.running == id:
            instance.hooks?.running = nil
            if code != 0 { hookFailed(instance, code.map { "it exited with status \($0)" } ?? output) }
            runNextHook(of: instance)
        default: break
        }
        settleSoon()
    }

    // MARK: Health

    /// Has a running instance checked from now on, where it is to be.
    func beginChecks(of instance: Instance) {
        guard let check = services[instance.name.service]?.plan?.healthCheck else { return }
        instance.health = HealthMonitor(check, startedAt: instance.lastStart, health: instance.adoptedHealth ?? ObservedHealth())
        instance.adoptedHealth = nil
        scheduleCheck(of: instance)
    }

    func scheduleCheck(of instance: Instance) {
        guard let health = instance.health, instance.phase == .running, !instance.isPaused else { return }
        let due = later(health.pause(at: now()))
        instance.health?.due = due
        deadlines.add(.check(instance, generation: instance.generation), at: due)
    }

    func check(_ instance: Instance) {
        guard let health = instance.health, let plan = services[instance.name.service]?.plan else { return }
        let began = now()
        do {
            let id = try begin(plan.command(health.check.arguments), in: instance, for: .check(began: began))
            instance.health?.running = id
            limitCheck(of: instance, id)
        } catch {
            conclude(instance, .init(exitCode: nil, output: "\(error)", began: began))
            scheduleCheck(of: instance)
        }
    }

    /// Gives a check that runs its whole time from now on.
    func limitCheck(of instance: Instance, _ id: UInt64) {
        guard let health = instance.health else { return }
        let deadline = later(health.check.timeoutMilliseconds)
        commands[id]?.deadline = deadline
        awaitTimeout(of: instance, at: deadline)
    }

    private func awaitTimeout(of instance: Instance, at deadline: Int64) {
        guard instance.health?.awaitsTimeout == false else { return }
        instance.health?.awaitsTimeout = true
        deadlines.add(.checkTimeout(instance, generation: instance.generation), at: deadline)
    }

    /// A check that takes too long has failed by now, whenever it may end.
    func endLateCheck(of instance: Instance, _ id: UInt64) {
        guard !instance.isPaused, let health = instance.health, let command = commands[id], !command.isConcluded, case .check(let began) = command.purpose
        else { return }
        // What was waited for was an earlier one's time, or this one has got more.
        guard command.deadline <= now() else { return awaitTimeout(of: instance, at: command.deadline) }
        conclude(instance, .init(exitCode: nil, output: "it took longer than \(health.check.timeoutMilliseconds) ms, and was killed", began: began))
        // The next one begins when it is gone.
        commands[id]?.isConcluded = true
        host.end(command: id)
    }

    private func conclude(_ instance: Instance, _ outcome: HealthMonitor.Outcome) {
        guard instance.phase == .running, instance.health?.take(outcome, at: wallClock()) == true, let health = instance.health?.health else { return }
        changed(.soon)
        emit(health.status == .healthy ? .healthy : .unhealthy(output: health.output ?? ""), instance.name)
        settle()
    }

    // MARK: Hooks

    func beginHooks(_ kind: HookSequence.Kind, of instance: Instance) {
        let plan = services[instance.name.service]?.plan
        let hooks = (kind == .postStart ? plan?.postStart : plan?.preStop) ?? []
        instance.hooks = HookSequence(kind: kind, remaining: hooks[...])
        runNextHook(of: instance)
    }

    private func runNextHook(of instance: Instance) {
        while let command = instance.hooks?.remaining.popFirst() {
            do {
                instance.hooks?.running = try begin(command, in: instance, for: .hook)
                return
            } catch {
                hookFailed(instance, "\(error)")
            }
        }
        guard let kind = instance.hooks?.kind else { return }
        instance.hooks = nil
        switch kind {
        case .postStart: concludeStart(instance)
        case .preStop: sendStopSignal(to: instance)
        }
    }

    /// The rest does not run. What is being stopped is stopped all the same, and what has been started runs on, as in Compose.
    private func hookFailed(_ instance: Instance, _ reason: String) {
        guard let hooks = instance.hooks else { return }
        instance.hooks?.remaining = []
        emit(.hookFailed(hook: hooks.kind.rawValue, reason: reason), instance.name)
        guard hooks.kind == .postStart, instance.intent == .start else { return }
        instance.intent = nil
        current?.failures.append("\(shownName(instance.name)): its \(hooks.kind.rawValue) hook failed: \(reason)")
        failDependents(of: instance.name.service)
    }

    /// Goes on without the hooks that have not ended.
    func abandonHooks(of instance: Instance, because reason: String) {
        guard let hooks = instance.hooks else { return }
        instance.hooks?.remaining = []
        if let running = hooks.running {
            instance.hooks?.running = nil
            host.end(command: running)
            emit(.hookFailed(hook: hooks.kind.rawValue, reason: reason), instance.name)
        }
        runNextHook(of: instance)
    }
}

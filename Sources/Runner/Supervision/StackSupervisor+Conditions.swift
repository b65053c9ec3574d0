import Reconciler

/// What a start waits for beyond that the services before it have been started: `depends_on` with a condition.
extension StackSupervisor {
    private enum Readiness {
        case ready
        case waiting(until: String)
        /// It will not come so far by itself.
        case failed(String)
    }

    /// Whether an instance may start as far as others are concerned. Where one that it requires has failed, its start fails.
    func mayStart(_ instance: Instance) -> Bool {
        guard instance.waitsForConditions else { return true }
        let service = instance.name.service
        // Nobody waits in a circle.
        let before = dependencies(of: service)
        var awaited: String?
        for dependency in services[service]?.plan?.dependencies ?? [] where before.contains(dependency.service) {
            switch readiness(of: dependency) {
            case .ready: continue
            case .waiting(let condition): awaited = awaited ?? condition
            case .failed(let reason):
                guard dependency.isRequired else { continue }
                startFailed(instance, "'\(dependency.service)', which it depends on, \(reason)")
                return false
            }
        }
        guard let awaited else { return true }
        if instance.announcedWait != awaited {
            instance.announcedWait = awaited
            emit(.waiting(until: awaited), instance.name)
        }
        return false
    }

    private func readiness(of dependency: Dependency) -> Readiness {
        let name = dependency.service
        for instance in instances.of(name) {
            switch (dependency.condition, instance.phase) {
            case _ where instance.isHeld: continue
            case (_, .exited) where instance.failure != nil: return .failed("did not start")
            case (.started, _): continue
            case (.healthy, .exited): return .failed(instance.exitCode.map { "has exited (\($0))\(instance.memoryRemark)" } ?? "does not run")
            case (.healthy, .running):
                switch (instance.health?.health ?? instance.adoptedHealth)?.status {
                case .healthy?: continue
                case .unhealthy?: return .failed("is unhealthy" + (instance.health?.health.reason.map { ": \($0)" } ?? ""))
                case .starting?: return .waiting(until: "\(name) is healthy")
                case nil: return .failed("has no healthcheck")
                }
            case (.healthy, _): return .waiting(until: "\(name) is healthy")
            case (.completed, .exited):
                if instance.exitCode == 0 { continue }
                return .failed(instance.exitCode.map { "did not complete: it exited (\($0))\(instance.memoryRemark)" } ?? "does not run, and nobody knows whether it has completed")
            case (.completed, _): return .waiting(until: "\(name) has completed")
            }
        }
        return .ready
    }

    /// Gives up starts that wait for something: what they are to start is to be stopped.
    func abandonStarts(of instances: [Instance]) {
        for instance in instances where instance.intent == .start && (!instance.isAlive || instance.hooks != nil) {
            instance.intent = nil
            current?.failures.append("\(shownName(instance.name)): its start was given up, since it is to be stopped")
            guard !instance.isAlive else { continue }
            instance.phase = .exited
            emit(.stopped, instance.name)
            concludeOneOff(instance)
            failDependents(of: instance.name.service)
        }
        settle()
    }
}

extension ObservedHealth {
    /// The last line that the last check printed.
    public var reason: String? {
        output?.split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) }.map { String($0.prefix(200)) }
    }
}

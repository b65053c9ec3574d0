import Runner

/// Finds in a supervisor's events how instances ended.
struct InstanceEnds {
    struct End {
        let service: String
        /// `web-1`.
        let instance: String
        let fate: Fate
        /// Whether somebody asked for it.
        let wasAsked: Bool
        /// Whether it is started again.
        let isRestarting: Bool
    }

    enum Fate {
        case exited(code: Int32, outOfMemory: Bool)
        case notStarted(reason: String)
    }

    /// Instances that were asked to end and have not yet.
    private var stopping: Set<String> = []
    /// Instances of which the kernel has killed something for want of memory.
    private var starved: Set<String> = []

    /// - Parameter events: those that came since the last time, as many as there are by now: a restart is told together with the end.
    mutating func take(_ events: [InstanceEvent]) -> [End] {
        var ends: [End] = []
        for (position, event) in events.enumerated() {
            guard let instance = event.instance else { continue }
            switch event.kind {
            case .stopping: stopping.insert(instance)
            case .outOfMemory: starved.insert(instance)
            case .starting: starved.remove(instance)
            case .exited(let code):
                let next = events[(position + 1)...].first { $0.instance == instance }
                let isRestarting = switch next?.kind {
                case .restarting, .starting: true
                default: false
                }
                ends.append(End(
                    service: event.service, instance: instance, fate: .exited(code: code, outOfMemory: starved.contains(instance)),
                    wasAsked: stopping.remove(instance) != nil, isRestarting: isRestarting))
            case .failed(let reason):
                ends.append(End(
                    service: event.service, instance: instance, fate: .notStarted(reason: reason), wasAsked: false, isRestarting: false))
            default: continue
            }
        }
        return ends
    }
}

extension InstanceEvent {
    /// `web-1`; nil where it is about the service.
    var instance: String? { index.map { "\(service)-\($0)" } }
}

import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// Shows a supervisor's events as progress, one line for each instance, and remembers what failed.
final class InstanceProgress {
    private let display: ProgressDisplay
    /// Why instances could not be started.
    private(set) var failures: [String] = []
    /// Instances that were asked to end: how they do is then no news.
    private var ending: Set<String> = []

    init(_ streams: Streams, title: String) {
        display = ProgressDisplay(streams.progress, title: title, isColoured: streams.coloursErrors)
    }

    /// Keeps the times on the display moving while the supervisor works.
    func follow(_ supervisor: SupervisorClient) {
        supervisor.onWait = { [display] in display.refresh() }
    }

    /// - Parameter stack: for a command that works on several, the one that it is an event of.
    func show(_ event: InstanceEvent, of stack: String? = nil) {
        let service = (stack.map { $0 + "/" } ?? "") + (event.oneOff ?? event.service)
        let resource = event.oneOff != nil ? "One-off \(service)" : event.index.map { "Service \(service)-\($0)" } ?? "Service \(service)"
        func update(_ status: ProgressDisplay.Status, _ text: String) {
            display.update(resource: resource, status: status, text: text)
        }
        switch event.kind {
        case .created: update(.working, "Created")
        case .starting: update(.working, "Starting")
        case .started: update(.done, "Started")
        case .exited(let code):
            if ending.remove(resource) == nil { update(code == 0 ? .done : .warning, "Exited (\(code == -1 ? "unknown" : "\(code)"))") }
        case .restarting(let milliseconds): update(.working, "Restarting in \(milliseconds) ms")
        case .stopping:
            ending.insert(resource)
            update(.working, "Stopping")
        case .stopped: update(.done, "Stopped")
        case .removed: update(.done, "Removed")
        case .signalled(let signal): update(.done, signal == SIGKILL ? "Killed" : "Sent \(Signals.name(signal))")
        case .fileWritten(let target): display.update(resource: "File \(service):\(target)", status: .done, text: "Written")
        case .fileRemoved(let target): display.update(resource: "File \(service):\(target)", status: .done, text: "Removed")
        case .waiting(let condition): update(.working, "Waiting until \(condition)")
        case .healthy: update(.done, "Healthy")
        case .unhealthy: update(.warning, "Unhealthy")
        case .outOfMemory: update(.warning, "Out of memory")
        case .paused: update(.done, "Paused")
        case .unpaused: update(.done, "Unpaused")
        case .hookFailed(let hook, let reason):
            // A start that it is part of fails by it, and says so at its end.
            update(.warning, "\(hook) failed: \(reason)")
        case .failed(let reason):
            update(.error, "Failed")
            failures.append("\(event.oneOff == nil ? "service " : "")'\(service)' could not be started: \(reason)")
        }
    }

    /// Instances of which no event tells.
    func show(_ instances: [ObservedInstance], _ status: ProgressDisplay.Status, _ text: String) {
        display.update(resources: instances.map { "Service \($0.name)" }, status: status, text: text)
    }

    /// Instances that another command was ending: no event tells of them any more.
    ///
    /// - Parameter state: how they are now.
    func show(_ stopping: [InstanceEvent], now state: ObservedState) {
        for event in stopping {
            show(event)
            let instance = state.instances.first { $0.service == event.service && $0.index == event.index }
            guard instance == nil || instance?.status == .exited else { continue }
            show(InstanceEvent(service: event.service, index: event.index, kind: .stopped, oneOff: event.oneOff))
        }
    }

    /// - Parameter isRemoved: else somebody else uses it; docker compose has the same words for that.
    func show(volume name: String, isRemoved: Bool) {
        display.update(
            resource: "Volume \(name)", status: isRemoved ? .done : .warning, text: isRemoved ? "Removed" : "Resource is still in use")
    }

    /// Makes room on the terminal for what services print; see ``ProgressDisplay/clear()``.
    func clear() { display.clear() }

    func refresh() { display.refresh() }

    func finish() { display.finish() }
}

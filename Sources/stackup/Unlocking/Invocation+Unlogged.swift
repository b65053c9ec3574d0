import Reconciler
import Runner
import SecretStore

extension Invocation {
    /// Writes into the log that rights ended while the store was locked: those that it says are there, of services that have no such file any
    /// more. A command goes on without that.
    func logEndedGrants(_ store: SecretStore) {
        do {
            try store.settleUnlogged(endedGrants)
        } catch {
            streams.warn("the store's log does not yet tell of services that were stopped while the store was locked: \(error)")
        }
    }

    /// - Parameter told: by the log.
    /// - Returns: nil where it can't be known: a stack runs, and nobody is there to say what it has.
    private func endedGrants(_ told: [AuditEvent]) throws -> [AuditEvent]? {
        var ended: [AuditEvent] = []
        for (stack, grants) in Dictionary(grouping: told.standingGrants, by: \.stack) {
            let directories = paths.directories(of: stack)
            var files: Set<[String]> = []
            if let supervisor = try SupervisorClient.connect(directories) {
                for mount in try supervisor.observe().mounts {
                    for file in mount.files where file.kind == .secret { files.insert([file.name, "\(mount.service):\(file.target)"]) }
                }
            } else if try StackRemains.hasLiveInstances(directories) {
                return nil
            }
            ended += grants.filter { !files.contains([$0.secret, $0.detail]) }
        }
        return ended.sorted { ($0.stack, $0.detail, $0.secret) < ($1.stack, $1.detail, $1.secret) }.map {
            AuditEvent(.revoked, secret: $0.secret, stack: $0.stack, detail: $0.detail)
        }
    }
}

extension [AuditEvent] {
    /// The rights that were given and not taken since.
    fileprivate var standingGrants: [AuditEvent] {
        var standing: [[String]: AuditEvent] = [:]
        for event in self {
            switch event.kind {
            case .granted: standing[[event.stack, event.secret, event.detail]] = event
            case .revoked: standing[[event.stack, event.secret, event.detail]] = nil
            default: break
            }
        }
        return Array(standing.values)
    }
}

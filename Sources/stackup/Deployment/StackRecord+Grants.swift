import Reconciler
import SecretStore

/// What the audit log says of a stack's grants.
extension StackRecord {
    /// A service's right to read a secret.
    private struct Grant: Hashable {
        let service: String
        let file: MountedFile

        var event: AuditEvent {
            AuditEvent(.granted, secret: file.name, version: Int(file.version), detail: "\(service):\(file.target)")
        }

        /// The same right to another version is the same right.
        var key: [String] { [service, file.name, file.target] }
    }

    private var rights: [Grant] {
        services.sorted { $0.key < $1.key }.flatMap { service, entry in
            entry.plan.files.filter { $0.kind == .secret }.map { Grant(service: service, file: $0) }
        }
    }

    /// The grants that this record has and the one before it had not, and the other way round.
    ///
    /// - Parameter stack: its name, for the log.
    func grantEvents(since old: StackRecord?, of stack: String) -> [AuditEvent] {
        let (now, before) = (rights, old?.rights ?? [])
        let (present, past) = (Set(now.map(\.key)), Set(before.map(\.key)))
        let granted = now.filter { !past.contains($0.key) }.map(\.event)
        let revoked = before.filter { !present.contains($0.key) }.map { grant in
            AuditEvent(.revoked, secret: grant.file.name, detail: grant.event.detail)
        }
        return (granted + revoked).map { event in
            var event = event
            event.stack = stack
            return event
        }
    }
}

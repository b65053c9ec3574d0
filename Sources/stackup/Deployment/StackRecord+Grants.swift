import Reconciler
import SecretStore

/// A service's right to read a secret, as the audit log tells of it.
struct RecordedGrant {
    let service: String
    let file: MountedFile

    /// The same right to another version is the same right.
    fileprivate var key: [String] { [service, file.name, file.target] }

    fileprivate func event(_ kind: AuditEvent.Kind, of stack: String) -> AuditEvent {
        AuditEvent(
            kind, secret: file.name, version: kind == .granted ? Int(file.version) : nil, stack: stack, detail: "\(service):\(file.target)")
    }
}

extension StackRecord {
    /// The rights of some of its services.
    func grants(of services: Set<String>) -> [RecordedGrant] {
        self.services.filter { services.contains($0.key) }.sorted { $0.key < $1.key }.flatMap { service, entry in
            entry.plan.files.filter { $0.kind == .secret }.map { RecordedGrant(service: service, file: $0) }
        }
    }
}

/// What the audit log says of rights that come and go.
///
/// - Parameter stack: its name.
func grantEvents(from old: [RecordedGrant], to new: [RecordedGrant], of stack: String) -> [AuditEvent] {
    let (present, past) = (Set(new.map(\.key)), Set(old.map(\.key)))
    return new.filter { !past.contains($0.key) }.map { $0.event(.granted, of: stack) }
        + old.filter { !present.contains($0.key) }.map { $0.event(.revoked, of: stack) }
}

import Reconciler
import SecretStore

/// A service's or one-off's right to read a secret, as the audit log tells of it.
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
        services.sorted().flatMap { self.services[$0]?.plan.files.grants(of: $0) ?? [] }
    }
}

extension ObservedServices {
    /// The rights of one-offs, of which there is no record but what they have.
    var grantsOfOneOffs: [RecordedGrant] { oneOffMounts.flatMap { $0.files.grants(of: $0.service) } }
}

extension [MountedFile] {
    /// - Parameter service: whose files these are; a one-off's key, which is no other one-off's whatever their names.
    func grants(of service: String) -> [RecordedGrant] {
        filter { $0.kind == .secret }.map { RecordedGrant(service: service, file: $0) }
    }
}

/// What the audit log says of rights that come and go.
///
/// - Parameter stack: its name.
func grantEvents(from old: [RecordedGrant], to new: [RecordedGrant], of stack: String) -> [AuditEvent] {
    // Most commands change none.
    guard !old.elementsEqual(new, by: { $0.key == $1.key }) else { return [] }
    let (present, past) = (Set(new.map(\.key)), Set(old.map(\.key)))
    return new.filter { !past.contains($0.key) }.map { $0.event(.granted, of: stack) }
        + old.filter { !present.contains($0.key) }.map { $0.event(.revoked, of: stack) }
}

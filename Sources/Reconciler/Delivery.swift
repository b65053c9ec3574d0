import Compose
import Linux

/// A service as last applied, as far as its secrets go: what the delivery of a new version works from where no Compose file is read.
public struct RecordedGrants: Sendable, Equatable {
    public var service: String
    /// The services that it depends on.
    public var dependencies: [String]
    /// What its tmpfs was to hold.
    public var files: [MountedFile]
    /// What it wants done when a secret changes, by the file's target; where there is nothing, none.
    public var reactions: [Bytewise<String>: SecretChangeReaction]

    public init(
        service: String, dependencies: [String] = [], files: [MountedFile],
        reactions: [Bytewise<String>: SecretChangeReaction] = [:]
    ) {
        self.service = service
        self.dependencies = dependencies
        self.files = files
        self.reactions = reactions
    }
}

/// Finds what has to be done so that every running grant of a stack holds the newest version of its secret. Pure, as
/// ``makePlan(wanted:recorded:observed:options:)`` is.
///
/// One-offs, which no record has, get all that they hold.
///
/// All files come before the first signal or restart. A file that is mounted and not recorded any more is left alone: it was
/// about to be taken away. So is one that is recorded and not mounted: `up` was about to put it there, and nothing runs with it.
///
/// - Parameters:
///   - versions: the newest version of each secret that is to be delivered, by its name in the store.
///   - recorded: every service of the stack as last applied.
///   - observed: what runs now.
/// - Returns: the steps, and in ``Plan/files`` what each service is to be recorded with from now on.
public func planDelivery(of versions: [String: NamedVersion], to recorded: [RecordedGrants], observed: ObservedState) -> Plan {
    let byName = Dictionary(recorded.map { ($0.service, $0) }, uniquingKeysWith: { first, _ in first })
    let mounts = Dictionary(observed.mounts.map { ($0.service, $0.files) }, uniquingKeysWith: { first, _ in first })
    let alive = Set(observed.instances.filter { $0.status == .running || $0.status == .created }.map(\.service))

    func newest(_ file: MountedFile) -> MountedFile {
        guard file.kind == .secret, let version = versions[file.name] else { return file }
        var file = file
        file.version = String(version.number)
        file.identity = version.identity
        return file
    }

    var writes: [Action] = []
    var reactions: [Action] = []
    for name in startOrder(of: byName.mapValues(\.dependencies)) {
        guard let grants = byName[name], let mounted = mounts[name] else { continue }
        var wishes = SecretReactions()
        for file in mounted.sorted(by: { $0.target < $1.target }) where newest(file) != file {
            let new = newest(file)
            guard grants.files.contains(where: { $0.isOfSameGrant(as: file) }) else { continue }
            writes.append(Action(.writeFile(service: name, file: new), cause: file.heldVersion(besides: new)))
            guard new.holdsOtherVersion(than: file) else { continue }
            wishes.add(grants.reactions[Bytewise(file.target)] ?? .none, to: file.name)
        }
        if alive.contains(name) { reactions += wishes.actions(for: name) }
    }
    // A one-off runs another command than the service's: a signal would be none that it knows.
    for oneOff in observed.oneOffs where alive.contains(oneOff.service) {
        for file in (mounts[oneOff.service] ?? []).sorted(by: { $0.target < $1.target }) where newest(file) != file {
            writes.append(Action(.writeFile(service: oneOff.service, file: newest(file)), cause: file.heldVersion(besides: newest(file))))
        }
    }
    return Plan(actions: writes + reactions, files: byName.mapValues { $0.files.map(newest) })
}

extension MountedFile {
    fileprivate func isOfSameGrant(as other: MountedFile) -> Bool {
        isOfSameSource(as: other) && target.hasSameBytes(as: other.target)
    }
}

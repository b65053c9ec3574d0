import Reconciler
import SecretStore

/// Who uses which versions of the store's secrets.
///
/// It is what the supervisors say, not what was once intended: who may be cut off is who reads now. What the stacks' records say
/// is kept apart.
struct SecretUsers {
    /// A service of a running stack, as people name it: `stack/service`.
    typealias ServiceName = String

    /// A file of a running service that holds a version of a secret.
    struct Grant: Hashable, Comparable {
        let service: ServiceName
        let target: String

        static func < (left: Grant, right: Grant) -> Bool { (left.service, left.target) < (right.service, right.target) }
    }

    /// By the secret's name, then by what they hold.
    private var grants: [String: [HeldVersion: Set<Grant>]] = [:]
    private var recorded: [String: Set<HeldVersion>] = [:]

    /// Asks the supervisor of every stack that the store has a record of.
    init(_ store: SecretStore?, _ invocation: Invocation) throws {
        guard let store else { return }
        for stack in try store.snapshot().stackNames {
            let session = try StackSession.observing(stack, invocation, store: store)
            for mount in try session.observe().mounts {
                for file in mount.files where file.kind == .secret {
                    let grant = Grant(service: "\(stack)/\(mount.service)", target: file.target)
                    grants[file.name, default: [:]][HeldVersion(of: file), default: []].insert(grant)
                }
            }
            for plan in session.record?.plans ?? [] {
                for file in plan.files where file.kind == .secret { recorded[file.name, default: []].insert(HeldVersion(of: file)) }
            }
        }
    }

    /// The services that have any version of a secret mounted, sorted.
    func services(using secret: String) -> [ServiceName] {
        Set(grants[secret, default: [:]].values.joined().map(\.service)).sorted()
    }

    /// The services that have exactly this version of a secret mounted, sorted.
    func services(using secret: String, version: SecretVersion) -> [ServiceName] {
        Set(grants(on: secret, version: version).map(\.service)).sorted()
    }

    /// The files of running services that hold exactly this version of a secret, sorted.
    func grants(on secret: String, version: SecretVersion) -> [Grant] {
        HeldVersion.all(of: version).reduce(into: Set()) { $0.formUnion(grants[secret]?[$1] ?? []) }.sorted()
    }

    /// Whether a stack, running or not, was last applied with exactly this version of a secret.
    func isRecorded(_ secret: String, version: SecretVersion) -> Bool {
        !HeldVersion.all(of: version).isDisjoint(with: recorded[secret] ?? [])
    }
}

/// What a file tells of the version that it holds: which it is, or, where its record doesn't tell, its number.
private enum HeldVersion: Hashable {
    case known(VersionIdentity)
    case number(String)

    init(of file: MountedFile) { self = file.identity.map(HeldVersion.known) ?? .number(file.version) }

    /// What files of a version may tell.
    static func all(of version: SecretVersion) -> Set<HeldVersion> { [.known(version.identity), .number(String(version.number))] }
}

extension MountedFile {
    /// Whether it is a file of that version of its secret.
    func holds(_ version: SecretVersion) -> Bool {
        HeldVersion.all(of: version).contains(HeldVersion(of: self))
    }
}

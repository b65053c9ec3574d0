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

    /// By the secret's name.
    private var grants: [String: [(file: MountedFile, grant: Grant)]] = [:]
    private var recorded: [String: [MountedFile]] = [:]

    /// Asks the supervisor of every stack that the store has a record of.
    init(_ store: SecretStore?, _ invocation: Invocation) throws {
        for stack in try store?.snapshot().stackNames ?? [] {
            let session = try StackSession(stack, invocation, for: .reading)
            for mount in try session.observe().mounts {
                for file in mount.files where file.kind == .secret {
                    let grant = Grant(service: "\(stack)/\(mount.service)", target: file.target)
                    grants[file.name, default: []].append((file, grant))
                }
            }
            for plan in session.record?.plans ?? [] {
                for file in plan.files where file.kind == .secret { recorded[file.name, default: []].append(file) }
            }
        }
    }

    /// The services that have any version of a secret mounted, sorted.
    func services(using secret: String) -> [ServiceName] {
        Set(grants[secret, default: []].map(\.grant.service)).sorted()
    }

    /// The services that have exactly this version of a secret mounted, sorted.
    func services(using secret: String, version: SecretVersion) -> [ServiceName] {
        Set(grants(on: secret, version: version).map(\.service)).sorted()
    }

    /// The files of running services that hold exactly this version of a secret, sorted.
    func grants(on secret: String, version: SecretVersion) -> [Grant] {
        Set(grants[secret, default: []].filter { $0.file.holds(version) }.map(\.grant)).sorted()
    }

    /// Whether a stack, running or not, was last applied with exactly this version of a secret.
    func isRecorded(_ secret: String, version: SecretVersion) -> Bool {
        recorded[secret, default: []].contains { $0.holds(version) }
    }
}

extension MountedFile {
    /// Whether it is a file of that version of its secret. Where its record doesn't tell, the number has to do.
    func holds(_ version: SecretVersion) -> Bool {
        identity.map { $0 == version.identity } ?? (self.version == String(version.number))
    }
}

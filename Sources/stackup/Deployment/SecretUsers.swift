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

    /// By the secret's name, then by version.
    private var grants: [String: [Int: Set<Grant>]] = [:]
    private var recorded: [String: Set<Int>] = [:]

    /// Asks the supervisor of every stack that the store has a record of.
    init(_ store: SecretStore?, _ invocation: Invocation) throws {
        for stack in try store?.snapshot().stackNames ?? [] {
            let session = try StackSession(stack, invocation, for: .reading)
            for mount in try session.observe().mounts {
                for (file, version) in Self.secrets(in: mount.files) {
                    let grant = Grant(service: "\(stack)/\(mount.service)", target: file.target)
                    grants[file.name, default: [:]][version, default: []].insert(grant)
                }
            }
            for plan in session.record?.plans ?? [] {
                for (file, version) in Self.secrets(in: plan.files) { recorded[file.name, default: []].insert(version) }
            }
        }
    }

    private static func secrets(in files: [MountedFile]) -> [(MountedFile, version: Int)] {
        files.filter { $0.kind == .secret }.compactMap { file in Int(file.version).map { (file, $0) } }
    }

    /// The services that have any version of a secret mounted, sorted.
    func services(using secret: String) -> [ServiceName] {
        Set(grants[secret, default: [:]].values.joined().map(\.service)).sorted()
    }

    /// The services that have exactly this version of a secret mounted, sorted.
    func services(using secret: String, version: Int) -> [ServiceName] {
        Set(grants(on: secret, version: version).map(\.service)).sorted()
    }

    /// The files of running services that hold exactly this version of a secret, sorted.
    func grants(on secret: String, version: Int) -> [Grant] {
        grants[secret]?[version]?.sorted() ?? []
    }

    /// Whether a stack, running or not, was last applied with exactly this version of a secret.
    func isRecorded(_ secret: String, version: Int) -> Bool {
        recorded[secret]?.contains(version) ?? false
    }
}

import Reconciler
import SecretStore

/// Which services of running stacks have which versions of the store's secrets mounted.
///
/// It is what the supervisors say, not what was once intended: who may be cut off is who reads now.
struct SecretUsers {
    /// A service of a running stack, as people name it: `stack/service`.
    typealias ServiceName = String

    /// By the secret's name, then by version.
    private var services: [String: [Int: Set<ServiceName>]] = [:]

    /// Asks the supervisor of every stack that the store has a record of.
    init(_ store: SecretStore?, _ invocation: Invocation) throws {
        for stack in try store?.snapshot().stackNames ?? [] {
            let session = try StackSession(stack, invocation, for: .reading)
            for mount in try session.observe().mounts {
                for file in mount.files where file.kind == .secret {
                    guard let version = Int(file.version) else { continue }
                    services[file.name, default: [:]][version, default: []].insert("\(stack)/\(mount.service)")
                }
            }
        }
    }

    /// The services that have any version of a secret mounted, sorted.
    func services(using secret: String) -> [ServiceName] {
        Set(services[secret, default: [:]].values.joined()).sorted()
    }

    /// The services that have exactly this version of a secret mounted, sorted.
    func services(using secret: String, version: Int) -> [ServiceName] {
        services[secret]?[version]?.sorted() ?? []
    }
}

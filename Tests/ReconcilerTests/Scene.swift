import Compose
import SecretStore
@testable import Reconciler

/// A model and a state, said shortly: `web` and `db` with a secret each, running as the files say, unless a test
/// changes something.
struct Scene {
    var services: [String: Service] = [:]
    var hashes: [String: String] = [:]
    var files: [String: [WantedFile]] = [:]
    var secrets: [WantedSecret] = []
    var disabled: [String] = []
    var recorded = RecordedState()
    var observed = ObservedState(supervisorPID: 1)
    var options = PlanOptions()

    /// `web` depends on `db`; both read `db_password`, `web` reads `api_key` and the config `motd` too.
    static func running() -> Scene {
        var scene = Scene()
        scene.add("db", files: [secret("db_password")])
        scene.add("web", after: ["db"], files: [secret("db_password"), secret("api_key"), config("motd", "hash-1")])
        scene.secrets = [
            WantedSecret(name: "db_password", source: "file ./db_password.txt", fingerprint: "p1"),
            WantedSecret(name: "api_key", source: "environment API_KEY", fingerprint: "k1"),
        ]
        scene.recorded.secrets = [
            "db_password": RecordedSecret(version: 1, fingerprint: "p1"),
            "api_key": RecordedSecret(version: 3, fingerprint: "k1"),
        ]
        scene.apply()
        return scene
    }

    static func secret(
        _ name: String, at target: String? = nil, uid: UInt32 = 0, mode: UInt32 = 0o444
    ) -> WantedFile {
        WantedFile(content: .secret(name), target: target ?? "/run/secrets/\(name)", uid: uid, gid: 0, mode: mode)
    }

    static func config(_ name: String, _ hash: String, at target: String? = nil) -> WantedFile {
        WantedFile(content: .config(name, hash: hash), target: target ?? "/\(name)", uid: 0, gid: 0, mode: 0o444)
    }

    mutating func add(_ name: String, after dependencies: [String] = [], files: [WantedFile] = []) {
        var service = Service(name: name)
        service.dependsOn = dependencies.map { Dependency($0) }
        service.attributes = ["command": #"["sleep"]"#]
        services[name] = service
        hashes[name] = "hash-\(name)"
        self.files[name] = files
    }

    /// What is wanted now is what runs.
    mutating func apply() {
        let plan = self.plan
        observed.instances = services.values.sorted { $0.name < $1.name }.flatMap { service in
            (1...service.replicas).map { running(service.name, $0) }
        }
        observed.mounts = plan.files.sorted { $0.key < $1.key }.map { ObservedMount(service: $0, files: $1) }
        recorded.services = services.mapValues(\.attributes)
    }

    func running(_ service: String, _ index: Int) -> ObservedInstance {
        ObservedInstance(
            service: service, index: index, status: .running, pid: 100, configHash: hashes[service] ?? "gone")
    }

    mutating func change(_ service: String, _ index: Int = 1, _ body: (inout ObservedInstance) -> Void) {
        for place in observed.instances.indices
        where observed.instances[place].service == service && observed.instances[place].index == index {
            body(&observed.instances[place])
        }
    }

    /// Gives a service another attribute, and so another hash.
    mutating func set(_ attribute: String, of service: String, to text: String?) {
        services[service]?.attributes[attribute] = text
        hashes[service, default: ""] += "'"
    }

    /// Gives every secret of a service the same reaction.
    mutating func react(_ service: String, _ reaction: SecretChangeReaction) {
        for place in files[service, default: []].indices { files[service]?[place].onSecretChange = reaction }
    }

    var wanted: WantedStack {
        WantedStack(
            name: "demo",
            // Backwards, so that no order is right by chance.
            services: services.values.sorted { $0.name > $1.name }.map {
                WantedService(
                    service: $0, configHash: hashes[$0.name] ?? "", files: files[$0.name] ?? [])
            },
            secrets: secrets, declaredServices: Set(services.keys).union(disabled))
    }

    var plan: Plan { makePlan(wanted: wanted, recorded: recorded, observed: observed, options: options) }
}

extension VersionIdentity {
    /// Of the version of that number, in a store that has never been restored.
    static func test(_ number: Int) -> VersionIdentity {
        let digits = String(number, radix: 16)
        return VersionIdentity(String(repeating: "0", count: 16 - digits.count) + digits)!
    }
}

extension RecordedSecret {
    init(version: Int, fingerprint: String) {
        self.init(version: version, identity: .test(version), fingerprint: fingerprint)
    }
}

import Compose
import SecretStore

/// Finds what has to be done so that what runs is what is wanted. Pure: the same values give the same plan.
///
/// The order is: new versions of secrets, so that nothing is mounted that the store does not have; files that vanish
/// or change in services that run; instances that are too many; instances to create, recreate or start, each after
/// those it depends on; and last what services asked for when their secrets change, when all is in place.
///
/// - Parameters:
///   - wanted: what the files ask for.
///   - recorded: what the store knows of the stack as last applied.
///   - observed: what runs now.
///   - options: how `up` was asked to behave.
public func makePlan(
    wanted: WantedStack, recorded: RecordedState, observed: ObservedState, options: PlanOptions
) -> Plan {
    let versions = SecretVersions(wanted: wanted.secrets, recorded: recorded.secrets)
    // By their places: a service is a large value, and dear to copy.
    let places = Dictionary(
        wanted.services.indices.map { (wanted.services[$0].service.name, $0) }, uniquingKeysWith: { first, _ in first })
    let order = startOrder(of: places.mapValues { wanted.services[$0].service.dependsOn.map(\.service) })
    let instances = Dictionary(grouping: observed.instances, by: \.service)
    let mounts = Dictionary(observed.mounts.map { ($0.service, $0.files) }, uniquingKeysWith: { first, _ in first })
    let services = order.compactMap { name in
        places[name].map { place in
            ServicePlanner(
                wanted: wanted.services[place], attributes: recorded.services[name], instances: instances[name] ?? [],
                mounted: mounts[name] ?? [], versions: versions, options: options)
        }
    }
    let orphans = Set(observed.replicas.map(\.service)).subtracting(wanted.declaredServices)
        .subtracting(order).sorted()

    var actions = versions.actions
    for service in services { actions += service.fileActions }
    for service in services.reversed() { actions += service.removals }
    if options.removeOrphans {
        for orphan in orphans {
            actions += Set(instances[orphan, default: []].map(\.index)).sorted(by: >).map {
                Action(.removeInstance(service: orphan, index: $0), cause: "not in the Compose files")
            }
        }
        actions += observed.oneOffs.filter { $0.status == .exited }.map {
            Action(.removeInstance(service: $0.service, index: $0.index), cause: "a one-off that has ended")
        }
    }
    for service in services { actions += service.launches }
    var files = Dictionary(uniqueKeysWithValues: services.map { ($0.name, $0.files) })
    for oneOff in wanted.oneOffs {
        actions.append(Action(.createInstance(service: oneOff.key, index: 1), cause: "a one-off"))
        files[oneOff.key] = FileComparison(service: oneOff.key, wanted: oneOff.files, mounted: [], versions: versions, isWritable: false).files
    }
    let recreated = Set(services.filter(\.isRecreated).map(\.name))
    for service in services { actions += service.reactions(recreated: recreated) }
    return Plan(actions: actions, orphans: options.removeOrphans ? [] : orphans, files: files)
}

/// Which version of each secret there is once the plan is applied.
struct SecretVersions {
    /// New versions, by name.
    private(set) var actions: [Action] = []
    private var versions: [String: NamedVersion]
    /// For people, by name: what happened to a secret that gets a new version.
    private var causes: [String: String] = [:]

    init(wanted: [WantedSecret], recorded: [String: RecordedSecret]) {
        versions = recorded.mapValues { NamedVersion($0.version, $0.identity) }
        for secret in wanted.sorted(by: { $0.name < $1.name }) where causes[secret.name] == nil {
            // An external secret is the store's own; there is nothing to compare it with.
            guard let fingerprint = secret.fingerprint else { continue }
            let version: Int
            if let known = recorded[secret.name] {
                guard known.fingerprint != fingerprint else { continue }
                version = known.version + 1
                causes[secret.name] = "\(secret.source) changed"
            } else {
                version = 1
                causes[secret.name] = "new, from \(secret.source)"
            }
            versions[secret.name] = NamedVersion(version, secret.identity)
            actions.append(
                Action(.storeSecret(name: secret.name, version: version), cause: causes[secret.name] ?? ""))
        }
    }

    /// nil for an external secret that is not in the store, which
    /// the command refuses before anything is applied.
    func version(of name: String) -> NamedVersion? {
        versions[name]
    }

    /// Why there is a new version; nil where there is none.
    func cause(of name: String) -> String? { causes[name] }
}

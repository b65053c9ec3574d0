import Compose
import Linux

/// What has to be done for one service.
struct ServicePlanner {
    let name: String
    private let dependencies: [Dependency]
    /// The complete list, by target.
    let files: [MountedFile]
    /// What has to be done to its files while it runs.
    let fileActions: [Action]
    /// Instances that are too many, the last one first.
    private(set) var removals: [Action] = []
    /// Instances to create, recreate or start.
    private(set) var launches: [Action] = []
    private(set) var isRecreated = false
    /// Whether an instance runs that the plan leaves alone.
    private let isKept: Bool
    /// What it asked for where a new value of a secret replaces an old one.
    private let secretReactions: SecretReactions

    init(
        wanted: WantedService, attributes: [String: String]?, instances: [ObservedInstance], mounted: [MountedFile],
        versions: SecretVersions, options: PlanOptions
    ) {
        let name = wanted.service.name
        self.name = name
        dependencies = wanted.service.dependsOn
        let replicas = max(wanted.service.replicas, 0)
        let byIndex = Dictionary(instances.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
        for index in byIndex.keys.sorted(by: >) where index > replicas || index < 1 {
            removals.append(Action(.removeInstance(service: name, index: index), cause: "scaled to \(replicas)"))
        }
        // A mount point outside /run/secrets is made when an instance starts, and only then.
        let places = Set(mounted.map { Bytewise($0.target) })
        let placeless = wanted.files.map(\.target)
            .filter { Paths.rest(of: $0, below: "/run/secrets") == nil && !places.contains(Bytewise($0)) }.sorted()
        var isKept = false
        let isHeld = options.stopped.contains(name) && wanted.service.restart == .unlessStopped
        for index in stride(from: 1, through: replicas, by: 1) {
            if isHeld, byIndex[index].map({ $0.status == .exited }) ?? true {
                launches.append(Action(.holdInstance(service: name, index: index), cause: "was stopped, and restarts 'unless-stopped'"))
                continue
            }
            guard let instance = byIndex[index] else {
                let cause = byIndex.isEmpty ? "not running" : "scaled to \(replicas)"
                launches.append(Action(.createInstance(service: name, index: index), cause: cause))
                continue
            }
            let isForced = options.forceRecreate.contains(name)
            if isForced || instance.configHash != wanted.configHash {
                let cause = isForced
                    ? "--force-recreate" : Self.change(from: attributes, to: wanted.service.attributes)
                launches.append(Action(.recreateInstance(service: name, index: index), cause: cause))
                isRecreated = true
                continue
            }
            if !placeless.isEmpty, instance.status == .running || instance.status == .restarting {
                let cause = "new target \(placeless.joined(separator: ", "))"
                launches.append(Action(.recreateInstance(service: name, index: index), cause: cause))
                isRecreated = true
                continue
            }
            switch instance.status {
            case _ where instance.isEnding == true:
                // Its end was asked for by a command that nobody waits for any more; it comes first.
                launches.append(Action(.startInstance(service: name, index: index), cause: "is being stopped"))
            case .exited, .stopping:
                launches.append(Action(.startInstance(service: name, index: index), cause: "not running"))
            case .created, .running, .restarting:
                // One that waits for its start finds its files there, so they have to be the new ones.
                isKept = true
            }
        }
        self.isKept = isKept
        let comparison = FileComparison(
            service: name, wanted: wanted.files, mounted: mounted, versions: versions, isWritable: isKept)
        files = comparison.files
        fileActions = comparison.actions
        secretReactions = comparison.reactions
    }

    /// What the service asked for when a secret or a dependency changes; nothing for instances that start anyway.
    func reactions(recreated: Set<String>) -> [Action] {
        guard isKept else { return [] }
        let dependencies = dependencies.filter { $0.restart && recreated.contains($0.service) }
        guard !dependencies.isEmpty else { return secretReactions.actions(for: name) }
        let recreations = dependencies.map(\.service).sorted().joined(separator: ", ") + " recreated"
        let causes = [secretReactions.restartCause, recreations].compactMap { $0 }
        return [Action(.restartService(service: name), cause: causes.joined(separator: "; "))]
    }

    /// `command, environment changed`, or what can be said where the attributes don't tell: a user's id on
    /// the host, say, is part of the hash and of no attribute.
    private static func change(from recorded: [String: String]?, to wanted: [String: String]) -> String {
        guard let recorded else { return "configuration changed" }
        let names = Set(recorded.keys).union(wanted.keys).filter { !recorded[$0].hasSameBytes(as: wanted[$0]) }.sorted()
        return names.isEmpty ? "configuration changed" : names.joined(separator: ", ") + " changed"
    }
}

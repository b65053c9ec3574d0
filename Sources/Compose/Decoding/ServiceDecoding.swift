import JSON
import Words
import YAML

/// Turns a canonical service into the model, and checks the values whose meaning is the model's.
struct ServiceDecoding {
    let name: String
    let entry: Mapping.Entry
    let reporter: Reporter

    private var node: Node { entry.value }
    var path: String { "services.\(name)" }
    private var supervision: SupervisionDecoding { SupervisionDecoding(path: path, service: name, reporter: reporter) }

    init(_ entry: Mapping.Entry, _ reporter: Reporter) {
        name = entry.key
        self.entry = entry
        self.reporter = reporter
    }

    func decode() -> Service {
        var service = Service(name: name)
        service.location = entry.keyPlace.location
        service.places = AttributePlaces(node)
        for attribute in node.mapping?.entries ?? [] { decode(attribute, into: &service) }
        let deployed = node["deploy"]?["replicas"]
        ResourceDecoding(path: path, service: name, node: node, reporter: reporter).decode(into: &service)
        IsolationDecoding(path: path, service: name, node: node, reporter: reporter).decode(into: &service)
        DeviceDecoding(path: path, service: name, node: node, reporter: reporter).decode(into: &service)
        if let scale = node["scale"] ?? deployed { service.replicas = replicas(scale) }
        if let policy = node["deploy"]?["restart_policy"] {
            supervision.restartPolicy(policy, into: &service, restartIsWritten: node["restart"]?.string?.isEmpty == false)
        }
        if reporter.purpose == .running { service.attributes = AttributeTexts(self.node, service.environment).all }
        return service
    }

    private func decode(_ attribute: Mapping.Entry, into service: inout Service) {
        let value = attribute.value
        switch attribute.key {
        case "image":
            service.image = value.string
            service.imageLocation = attribute.keyPlace.location
        case "build":
            service.hasBuild = true
            if service.imageLocation == nil { service.imageLocation = attribute.keyPlace.location }
        case "command": service.command = value.isNull ? nil : texts(value)
        case "entrypoint": service.entrypoint = value.isNull ? nil : texts(value)
        case "environment": service.environment = environment(value)
        case "working_dir": service.workingDirectory = value.string
        case "user": service.user = value.string
        case "hostname": service.hostname = value.string
        case "container_name": service.containerName = value.string
        case "depends_on": service.dependsOn = dependencies(value)
        case "restart": service.restart = restart(value)
        case "logging": service.logging = LoggingDecoding(path: path, service: name, reporter: reporter).decode(attribute)
        case "develop": service.watchRules = WatchDecoding(path: path, service: name, reporter: reporter).rules(value)
        case "healthcheck": service.healthCheck = supervision.healthCheck(attribute, hasImage: node["image"] != nil || node["build"] != nil)
        case "post_start": service.postStart = supervision.hooks(value, attribute.key)
        case "pre_stop": service.preStop = supervision.hooks(value, attribute.key)
        case "stop_signal":
            if let signal = value.string, !signal.isEmpty { service.stopSignal = signal }
            LaunchedNames(path, reporter).checkSignal(value)
        case "stop_grace_period":
            if let nanoseconds = value.string.flatMap(DurationText.nanoseconds) {
                service.stopGracePeriod = .nanoseconds(max(0, nanoseconds))
            }
        case "secrets":
            service.secrets = GrantDecoding(path, reporter).secrets(value)
        case "configs":
            service.configs = GrantDecoding(path, reporter).configs(value)
        case "volumes":
            service.mounts = MountDecoding(name, reporter).volumes(value) + service.mounts
        case "tmpfs":
            service.mounts += MountDecoding(name, reporter).tmpfs(value)
        case "read_only": service.readOnly = value.bool ?? false
        case "cap_add":
            service.capAdd = texts(value)
            LaunchedNames(path, reporter).checkCapabilities(value, "cap_add")
        case "cap_drop":
            service.capDrop = texts(value)
            LaunchedNames(path, reporter).checkCapabilities(value, "cap_drop")
        case "security_opt": service.security = SecurityDecoding(path: path, service: name, reporter: reporter).decode(value)
        case "ulimits": service.ulimits = ulimits(value)
        case "labels": service.labels = strings(value)
        case "profiles": service.profiles = texts(value)
        case "extra_hosts": service.extraHosts = hosts(value)
        case "x-stackup": ExtensionDecoding(path, reporter).decode(attribute, into: &service)
        default: break
        }
    }

    private func texts(_ node: Node) -> [String] {
        (node.sequence ?? []).compactMap(\.string)
    }

    private func strings(_ node: Node) -> [String: String] {
        var result: [String: String] = [:]
        for entry in node.mapping?.entries ?? [] { result[entry.key] = entry.value.string ?? "" }
        return result
    }

    private func environment(_ node: Node) -> [String: String] {
        var result: [String: String] = [:]
        for entry in node.mapping?.entries ?? [] {
            guard !entry.key.isEmpty, !entry.key.utf8.contains(UInt8(ascii: "=")), !entry.key.utf8.contains(0) else {
                reporter.obstacle(
                    "\(path).environment: invalid name '\(entry.key)'", at: entry.keyPlace,
                    attribute: "\(path).environment", remedy: "a name is not empty and has no '='")
                continue
            }
            if let value = entry.value.string { result[entry.key] = value }
        }
        return result
    }

    private func dependencies(_ node: Node) -> [Dependency] {
        (node.mapping?.entries ?? []).map { entry in
            let text = entry.value["condition"]?.string ?? ""
            let condition = Dependency.Condition(rawValue: text) ?? .started
            return Dependency(
                entry.key, condition: condition, restart: entry.value["restart"]?.bool ?? false,
                required: entry.value["required"]?.bool ?? true)
        }.sorted { $0.service < $1.service }
    }

    private func restart(_ node: Node) -> RestartPolicy {
        let text = node.string ?? ""
        switch text {
        case "", "no": return .no
        case "always": return .always
        case "unless-stopped": return .unlessStopped
        case "on-failure": return .onFailure(maximumRetries: nil)
        default: break
        }
        if text.hasPrefix("on-failure:"), let retries = Int(text.dropFirst("on-failure:".count)), retries >= 0 {
            return .onFailure(maximumRetries: retries == 0 ? nil : retries)
        }
        reporter.obstacle(
            "\(path).restart: unknown policy '\(text)'", at: node.place, attribute: "\(path).restart",
            remedy: "use no, always, unless-stopped, on-failure or on-failure:RETRIES")
        return .no
    }

    private func replicas(_ node: Node) -> Int {
        let count = node.integer ?? 1
        if count > 10_000 {
            reporter.obstacle("more than the 10000 instances allowed: \(count)", at: node.place, attribute: path)
        }
        return Int(min(max(count, 0), 10_000))
    }

    private static let ulimitNames = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
        "rttime", "sigpending", "stack",
    ]

    private func ulimits(_ node: Node) -> [Ulimit] {
        (node.mapping?.entries ?? []).map { entry in
            let place = "\(path).ulimits.\(entry.key)"
            if !Self.ulimitNames.contains(entry.key) {
                reporter.obstacle(
                    "\(place): unknown limit", at: entry.keyPlace, attribute: place,
                    remedy: reporter.suggestion(for: entry.key, among: Self.ulimitNames))
            }
            let both = entry.value.integer
            let soft = both ?? entry.value["soft"]?.integer ?? 0
            let hard = both ?? entry.value["hard"]?.integer ?? 0
            if soft < -1 || hard < -1 {
                reporter.obstacle("\(place) must not be below -1", at: entry.value.place, attribute: place, remedy: "-1 is unlimited")
            } else if hard != -1, soft == -1 || soft > hard, both != nil || entry.value["hard"] != nil {
                reporter.obstacle("\(place): the soft limit is above the hard one", at: entry.value.place, attribute: place)
            }
            return Ulimit(name: entry.key, soft: soft, hard: hard)
        }.sorted { $0.name < $1.name }
    }

    private func hosts(_ node: Node) -> [ExtraHost] {
        texts(node).map { text in
            let (name, address) = Text.cut(text, at: UInt8(ascii: "="))
            return ExtraHost(name: name, address: address ?? "")
        }
    }
}

import Linux
import YAML

/// Adds to a canonical service what goes without saying, and what its env files say.
struct ServiceCompletion {
    let loading: SourceLoading
    let environment: [String: String]

    private var reporter: Reporter { loading.reporter }
    private var normalizes: Bool { loading.options.steps.normalizes }
    private var paths: PathResolution { loading.paths }

    /// What other stages look at in every service, enabled or not: dependencies in full, and paths.
    func defaults(_ service: Node, _ path: String) -> Node {
        guard var mapping = service.mapping else { return service }
        for (index, entry) in mapping.entries.enumerated() {
            let value = entry.value
            let new: Node
            switch entry.key {
            case "dns":
                new = value.with(.sequence((value.sequence ?? []).filter { !$0.isNull && $0.string?.isEmpty != true }))
            case "volumes":
                new = value.changingItems(volume)
            case "secrets":
                new = value.changingItems(secretTarget)
            case "ports":
                new = value.changingItems { with(with($0, "protocol", .string("tcp")), "mode", .string("ingress")) }
            case "build":
                new = build(value)
            case "env_file":
                new = value.changingItems { $0.changing("path", paths.local) }
            case "label_file":
                new = value.changingItems(paths.local)
            case "develop":
                new = value.changing("watch") { $0.changingItems { $0.changing("path", paths.watched) } }
            case "gpus":
                new = value.changingItems(deviceRequest)
            case "deploy":
                new = value.changing("resources") { resources in
                    resources.changing("reservations") { $0.changing("devices") { $0.changingItems(deviceRequest) } }
                }
            case "pull_policy" where normalizes:
                new = value.string == "if_not_present" ? value.with(.string("missing")) : value
            default:
                continue
            }
            if new !== value { mapping.entries[index] = Mapping.Entry(entry.key, at: entry.keyPlace, new) }
        }
        guard normalizes else { return service.with(.mapping(mapping)) }
        addDependencies(&mapping)
        if let scale = mapping["scale"], scale.integer != nil, let deploy = mapping["deploy"] {
            set(&mapping, "deploy", with(deploy, "replicas", scale.value))
        }
        if mapping["network_mode"] == nil, mapping["provider"] == nil, mapping["networks"]?.mapping?.isEmpty ?? true {
            let networks = Mapping([Mapping.Entry("default", at: service.place, Node(.null, at: service.place))])
            set(&mapping, "networks", Node(.mapping(networks), at: service.place))
        }
        return service.with(.mapping(mapping))
    }

    /// The service with its hosts and addresses in their one form.
    func hosts(_ service: Node, _ path: String) -> Node {
        let hosts = ExtraHosts(reporter: reporter)
        return service.changing("extra_hosts") { hosts.list($0, "\(path).extra_hosts") }.changing("build") { build in
            build.changing("extra_hosts") { hosts.list($0, "\(path).build.extra_hosts") }
        }
    }

    /// The service with its env files and label files read into it.
    func files(_ service: Node, _ path: String) -> Node {
        guard var mapping = service.mapping else { return service }
        if let own = mapping["environment"]?.mapping {
            set(&mapping, "environment", Node(.mapping(resolved(own)), at: mapping["environment"]?.place ?? service.place))
        }
        if let files = mapping["env_file"]?.sequence {
            merge(files, "env_file", into: "environment", &mapping, path, environment)
        }
        if let files = mapping["label_file"]?.sequence {
            merge(files, "label_file", into: "labels", &mapping, path, [:])
        }
        return service.with(.mapping(mapping))
    }

    private func resolved(_ own: Mapping) -> Mapping {
        Mapping(
            own.entries.map { entry in
                guard entry.value.isNull, let value = environment[entry.key] else { return entry }
                return Mapping.Entry(entry.key, at: entry.keyPlace, entry.value.with(.string(value)))
            })
    }

    private func merge(
        _ files: [Node], _ attribute: String, into target: String, _ mapping: inout Mapping, _ path: String,
        _ outer: [String: String]
    ) {
        let own = mapping[target]?.mapping ?? Mapping()
        var ownValues: [String: String] = [:]
        for entry in own.entries { ownValues[entry.key] = entry.value.string }
        var values: [String: (text: String, place: Place)] = [:]
        for file in files {
            let node = file["path"] ?? file
            guard let absolute = node.string else { continue }
            do {
                let bytes = try loading.read(absolute)
                let raw = file["format"]?.string == "raw"
                if !raw, let format = file["format"]?.string, !["", ".env"].contains(format) {
                    reporter.error(
                        "\(path).\(attribute): there is no format '\(format)' of env files", at: file["format"]?.place,
                        attribute: "\(path).\(attribute)", remedy: "write `format: raw`, or leave it out")
                    continue
                }
                let lookup = { (name: String) in outer[name] ?? ownValues[name] }
                let shown = loading.shownName(absolute)
                let parsed = raw
                    ? RawEnvFile.parse(bytes, file: shown, lookup: lookup)
                    : DotEnv.parse(bytes, file: shown, after: values.mapValues(\.text), lookup: lookup)
                reporter.add(parsed.diagnostics)
                for (key, value) in parsed.values { values[key] = (value, node.place) }
            } catch {
                if error.isMissing, file["required"]?.bool == false { continue }
                let name = attribute == "env_file" ? "env file" : "label file"
                reporter.error(
                    absolute.isEmpty
                        ? "the path of the \(name) is empty"
                        : "cannot read the \(name) \(loading.shownName(absolute)): \(error.reason)",
                    at: node.place, attribute: "\(path).\(attribute)",
                    remedy: error.isMissing && attribute == "env_file" ? "create it, or add `required: false`" : nil)
            }
        }
        var merged = own
        let indexes = own.indexes()
        for (key, value) in values.sorted(by: { $0.key < $1.key }) where indexes[key] == nil {
            merged.entries.append(Mapping.Entry(key, at: value.place, Node(.string(value.text), at: value.place)))
        }
        mapping.entries.removeAll { $0.key == attribute }
        guard !merged.isEmpty, let place = mapping[target]?.place ?? files.first?.place else { return }
        set(&mapping, target, Node(.mapping(merged), at: place))
    }

    /// Services that this one needs without saying so under `depends_on`.
    private func addDependencies(_ mapping: inout Mapping) {
        var entries = mapping["depends_on"]?.mapping?.entries ?? []
        var known = Set(entries.map(\.key))
        func add(_ name: String, restart: Bool, _ place: Place) {
            guard known.insert(name).inserted else { return }
            var value = Node(.mapping(Mapping()), at: place)
            value = with(value, "condition", .string("service_started"))
            if restart { value = with(value, "restart", .bool(true)) }
            entries.append(Mapping.Entry(name, at: place, with(value, "required", .bool(true))))
        }
        for link in mapping["links"]?.sequence ?? [] {
            guard let text = link.string else { continue }
            let (service, alias) = Text.cut(text, at: UInt8(ascii: ":"))
            // With more colons Compose takes the whole for a service's name.
            let isPair = alias?.utf8.contains(UInt8(ascii: ":")) != true
            add(isPair ? service : text, restart: true, link.place)
        }
        for attribute in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            guard let node = mapping[attribute], let text = node.string, text.hasPrefix("service:") else { continue }
            add(String(text.dropFirst("service:".count)), restart: true, node.place)
        }
        for source in mapping["volumes_from"]?.sequence ?? [] {
            guard let text = source.string, !text.hasPrefix("container:") else { continue }
            add(Text.cut(text, at: UInt8(ascii: ":")).before, restart: false, source.place)
        }
        guard let place = mapping["depends_on"]?.place ?? entries.first?.keyPlace else { return }
        set(&mapping, "depends_on", Node(.mapping(Mapping(entries)), at: place))
    }
}

/// Changes of single attributes.
extension ServiceCompletion {
    private func set(_ mapping: inout Mapping, _ key: String, _ value: Node) {
        if let index = mapping.entries.firstIndex(where: { $0.key == key }) {
            mapping.entries[index] = Mapping.Entry(key, at: mapping.entries[index].keyPlace, value)
        } else {
            mapping.entries.append(Mapping.Entry(key, at: value.place, value))
        }
    }

    /// With an attribute that is not there yet.
    private func with(_ node: Node, _ key: String, _ value: Node.Value) -> Node {
        guard var mapping = node.mapping, mapping[key] == nil else { return node }
        set(&mapping, key, Node(value, at: node.place))
        return node.with(.mapping(mapping))
    }

    private func volume(_ node: Node) -> Node {
        var result = node.changing("target") { target in
            target.string.map { target.with(.string($0.isEmpty ? "." : Paths.clean($0))) } ?? target
        }
        if node["type"]?.string == "bind" { result = result.changing("source", paths.anySystem) }
        return result
    }

    private func secretTarget(_ node: Node) -> Node {
        guard let source = node["source"]?.string else { return node }
        return with(node, "target", .string("/run/secrets/\(source)"))
    }

    /// All the devices where the request names none.
    private func deviceRequest(_ node: Node) -> Node {
        node["device_ids"] == nil ? with(node, "count", .integer(-1)) : node
    }

    private func build(_ node: Node) -> Node {
        guard node.mapping != nil else { return node }
        var result = with(node, "context", .string("."))
        if normalizes, result["dockerfile_inline"] == nil { result = with(result, "dockerfile", .string("Dockerfile")) }
        result = result.changing("args") { args in
            guard normalizes, let mapping = args.mapping else { return args }
            return args.with(.mapping(Mapping(resolved(mapping).entries.filter { !$0.value.isNull })))
        }
        result = result.changing("context", paths.buildContext)
        if loading.interpolates { result = result.changing("ssh", agents) }
        return result.changing("additional_contexts") { contexts in
            guard let mapping = contexts.mapping else { return contexts }
            return contexts.with(
                .mapping(
                    Mapping(mapping.entries.map { Mapping.Entry($0.key, at: $0.keyPlace, paths.buildContext($0.value)) })))
        }
    }

    /// SSH agents and keys as Compose prints them: a list of `ID` or `ID: PATH`.
    private func agents(_ node: Node) -> Node {
        guard let mapping = node.mapping else { return node }
        return node.with(
            .sequence(
                mapping.entries.map { entry in
                    guard let path = paths.anySystem(entry.value).string, entry.value.string?.isEmpty == false else {
                        return entry.value.with(.string(entry.key))
                    }
                    return entry.value.with(.string("\(entry.key): \(path)"))
                }))
    }
}

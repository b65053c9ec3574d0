import YAML

/// Checks that everything a service names is there, and that nothing is in the way of anything else.
struct References {
    let stack: Stack
    /// The services to look at, whether or not they take part.
    let checked: [Service]
    let profiles: Profiles
    /// The canonical services, enabled or not.
    let services: Mapping
    let project: Node
    let loading: SourceLoading
    /// What interpolation saw.
    let environment: [String: String]
    private let indexes: [String: Int]
    private let enabled: Set<String>
    /// Errors about no attribute: of YAML itself.
    private let unread: [SourceLocation]

    private var reporter: Reporter { loading.reporter }

    init(
        _ stack: Stack, _ checked: [Service], _ profiles: Profiles, services: Mapping, project: Node, _ loading: SourceLoading,
        environment: [String: String]
    ) {
        self.stack = stack
        self.checked = checked
        self.profiles = profiles
        self.services = services
        self.project = project
        self.loading = loading
        self.environment = environment
        indexes = services.indexes()
        enabled = Set(stack.services.map(\.name))
        unread = loading.reporter.diagnostics.filter { $0.severity == .error && $0.attribute.isEmpty }.compactMap(\.location)
    }

    func check() {
        let declared = Declared(project)
        DeclarationRules(reporter: reporter).check(project)
        for service in checked {
            guard let index = indexes[service.name] else { continue }
            let entry = services.entries[index]
            checkCommand(service, entry)
            checkDependencies(entry)
            checkContexts(entry)
            checkResources(entry, declared)
            Conflicts(entry, reporter).check()
            Targets(entry, reporter).check()
        }
        checkContainerNames()
        checkUnused(declared)
        checkSources()
        DependencyCycles(services, only: Set(profiles.checked)).report(to: reporter)
    }

    /// The keys that the file declares, whether or not what stands under them is right.
    private struct Declared {
        let keys: [String: Set<String>]
        /// Kinds whose declarations could not be read, which has been reported.
        private let unread: Set<String>

        init(_ project: Node) {
            var keys: [String: Set<String>] = [:]
            var unread: Set<String> = []
            for kind in ["secrets", "configs", "volumes", "networks", "models"] {
                keys[kind] = Set((project[kind]?.mapping?.entries ?? []).map(\.key))
                if let node = project[kind], node.mapping == nil { unread.insert(kind) }
            }
            self.keys = keys
            self.unread = unread
        }

        func has(_ kind: String, _ key: String) -> Bool { unread.contains(kind) || keys[kind]?.contains(key) == true }
    }

    private func checkCommand(_ service: Service, _ entry: Mapping.Entry) {
        guard service.image ?? "" == "", !service.hasBuild, entry.value["provider"] == nil,
            // One whose `extends` failed may get its command from there.
            entry.value["extends"] == nil
        else { return }
        guard (service.command ?? []).isEmpty, (service.entrypoint ?? []).isEmpty else { return }
        // A misspelt `command` or an `image` that is no text has been reported.
        let isReported = entry.value.mapping?.entries.contains { attribute in
            switch attribute.key {
            case "image": attribute.value.string == nil
            case "command", "entrypoint": attribute.value.sequence == nil && !attribute.value.isNull
            default: ServiceAttributes.service[attribute.key] == nil && !attribute.key.hasPrefix("x-")
            }
        }
        guard isReported != true, !hasUnreadPart(entry) else { return }
        let image = entry.value["image"]
        reporter.error(
            "service \"\(service.name)\" has " + (image == nil ? "neither an image, a build nor a command" : "an empty image")
                + ": there is nothing to run",
            at: image?.place ?? entry.keyPlace, attribute: "services.\(service.name)" + (image == nil ? "" : ".image"),
            remedy: "give it a `command`, or an `image` or `build` that has one")
    }

    /// Whether YAML could not make out a part of what stands under a key.
    private func hasUnreadPart(_ entry: Mapping.Entry) -> Bool {
        guard !unread.isEmpty else { return false }
        let (place, file) = (entry.keyPlace, entry.keyPlace.location.file)
        let next = services.entries.lazy.map(\.keyPlace).filter { $0.source === place.source && $0.line > place.line }.map(\.line).min()
        return unread.contains { $0.file == file && $0.line >= place.line && $0.line < next ?? .max }
    }

    private func checkDependencies(_ entry: Mapping.Entry) {
        // What is there without the services that were named must be right without them.
        let available = profiles.enabledByProfile.contains(entry.key) ? profiles.enabledByProfile : enabled
        for dependency in entry.value["depends_on"]?.mapping?.entries ?? [] {
            guard !available.contains(dependency.key) else { continue }
            let path = "services.\(entry.key).\(origin(of: dependency, in: entry.value))"
            guard let index = indexes[dependency.key] else {
                if loading.lacksIncluded { continue }
                reporter.error(
                    "service \"\(entry.key)\" depends on undefined service \"\(dependency.key)\"", at: dependency.keyPlace,
                    attribute: path, remedy: suggestion(for: dependency.key, exceptFor: entry.key))
                continue
            }
            guard dependency.value["required"]?.bool != false else { continue }
            let profile = services.entries[index].value["profiles"]?.sequence?.first?.string
            reporter.error(
                "service \"\(entry.key)\" depends on service \"\(dependency.key)\", which no active profile enables",
                at: dependency.keyPlace, attribute: path,
                remedy: profile.map { "add --profile \($0), or `required: false` to do without it" })
        }
    }

    private func suggestion(for name: String, exceptFor other: String) -> String? {
        reporter.suggestion(for: name, among: services.entries.map(\.key).filter { $0 != other })
    }

    /// The attribute that a dependency comes from: some others than `depends_on` bring one.
    private func origin(of dependency: Mapping.Entry, in service: Node) -> String {
        let location = dependency.keyPlace.location
        for attribute in ["network_mode", "ipc", "pid", "uts", "cgroup"] where service[attribute]?.location == location {
            return attribute
        }
        for attribute in ["links", "volumes_from"] {
            let index = (service[attribute]?.sequence ?? []).firstIndex { $0.location == location }
            if let index { return "\(attribute)[\(index)]" }
        }
        return "depends_on.\(dependency.key)"
    }

    /// Services whose images are contexts of this one's build.
    private func checkContexts(_ entry: Mapping.Entry) {
        for context in entry.value["build"]?["additional_contexts"]?.mapping?.entries ?? [] {
            guard let text = context.value.string, text.hasPrefix("service:") else { continue }
            let name = String(text.dropFirst("service:".count))
            let path = "services.\(entry.key).build.additional_contexts.\(context.key)"
            guard enabled.contains(name), let index = indexes[name] else {
                reporter.error(
                    "undefined service \"\(name)\"", at: context.value.place, attribute: path,
                    remedy: suggestion(for: name, exceptFor: entry.key))
                continue
            }
            guard services.entries[index].value["build"] == nil else { continue }
            reporter.error(
                "service \"\(name)\" is not built, and so has no image to use", at: context.value.place, attribute: path,
                remedy: "give it a `build`, or name its image with docker-image://")
        }
    }

    private func checkContainerNames() {
        var owners: [String: String] = [:]
        for service in stack.services {
            guard let name = service.containerName, !name.isEmpty, let index = indexes[service.name],
                let owner = owners.updateValue(service.name, forKey: name)
            else { continue }
            reporter.error(
                "the name '\(name)' is that of service \"\(owner)\" already",
                at: services.entries[index].value["container_name"]?.place, attribute: "services.\(service.name).container_name",
                remedy: "give one of them another name, or none")
        }
    }

    private func checkResources(_ entry: Mapping.Entry, _ declared: Declared) {
        let path = "services.\(entry.key)"
        func needEach(_ items: Node?, _ kind: String, _ attribute: String, where isMeant: (Node) -> Bool = { _ in true }) {
            for (index, item) in (items?.sequence ?? []).enumerated() where isMeant(item) {
                need(item["source"] ?? item.with(.null), kind, entry.key, "\(path).\(attribute)[\(index)]", declared)
            }
        }
        for attribute in entry.value.mapping?.entries ?? [] {
            switch attribute.key {
            case "secrets", "configs":
                needEach(attribute.value, attribute.key, attribute.key)
            case "build":
                needEach(attribute.value["secrets"], "secrets", "build.secrets")
            case "volumes":
                needEach(attribute.value, "volumes", "volumes") { $0["type"]?.string == "volume" }
            case "networks", "models":
                for item in attribute.value.mapping?.entries ?? [] {
                    guard attribute.key == "models" || item.key != "default" else { continue }
                    let name = Node(.string(item.key), at: item.keyPlace)
                    need(name, attribute.key, entry.key, "\(path).\(attribute.key).\(item.key)", declared)
                }
            default: break
            }
        }
    }

    private func need(_ source: Node, _ kind: String, _ service: String, _ path: String, _ declared: Declared) {
        // A volume without a source is an anonymous one.
        guard let key = source.string ?? (kind == "volumes" ? nil : ""), !(kind == "volumes" && key.isEmpty),
            !declared.has(kind, key), !loading.lacksIncluded
        else { return }
        let declare = key.isEmpty ? "name it" : "declare it under the top-level `\(kind)`"
        reporter.error(
            key.isEmpty
                ? "service \"\(service)\" refers to a \(kind.dropLast()) without naming it"
                : "service \"\(service)\" refers to undefined \(kind.dropLast()) \(key)", at: source.place, attribute: path,
            remedy: reporter.suggestion(for: key, among: (declared.keys[kind] ?? []).sorted()).map { "\($0) otherwise \(declare)" }
                ?? declare)
    }

    private func checkUnused(_ declared: Declared) {
        var used: Set<String> = []
        for entry in services.entries {
            for item in (entry.value["secrets"]?.sequence ?? []) + (entry.value["build"]?["secrets"]?.sequence ?? []) {
                if let key = item["source"]?.string { used.insert(key) }
            }
        }
        for entry in project["secrets"]?.mapping?.entries ?? [] where !used.contains(entry.key) {
            reporter.advise(
                "no service uses this secret", at: entry.keyPlace,
                attribute: "secrets.\(entry.key)", remedy: "grant it under a service's `secrets`, or remove it")
        }
    }

    /// Only warnings: whoever validates a project need not have its secrets.
    private func checkSources() {
        let secrets = Set(stack.services.flatMap { $0.secrets.map(\.secret) })
        let configs = Set(stack.services.flatMap { $0.configs.map(\.config) })
        for (kind, used) in [("secrets", secrets), ("configs", configs)] {
            for entry in project[kind]?.mapping?.entries ?? [] where used.contains(entry.key) {
                if let node = entry.value["environment"], let name = node.string, !name.isEmpty, environment[name] == nil {
                    reporter.advise(
                        "the variable \(name) is not set", at: node.place, attribute: "\(kind).\(entry.key).environment",
                        remedy: "set it in the environment or in .env before `up`")
                }
                guard let node = entry.value["file"], let path = node.string else { continue }
                guard !FileReading.exists(path) else {
                    warnOfRotation(entry, path)
                    continue
                }
                reporter.advise(
                    "the file \(loading.shownName(path)) does not exist", at: node.place,
                    attribute: "\(kind).\(entry.key).file", remedy: "create it before `up`")
            }
        }
    }

    /// A file that is there says what the value is.
    private func warnOfRotation(_ entry: Mapping.Entry, _ path: String) {
        guard entry.value["x-stackup"]?["rotate"] != nil else { return }
        reporter.advise(
            "the secret is not rotated as long as its file is there", at: entry.keyPlace, attribute: "secrets.\(entry.key).x-stackup.rotate",
            remedy: "once `up` has stored its value, remove the file with: stackup secret seal \(entry.key)")
    }
}

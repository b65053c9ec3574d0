import YAML

/// Checks that everything a service names is there, and that nothing is in the way of anything else.
struct References {
    let stack: Stack
    /// The canonical services, enabled or not.
    let services: Mapping
    let project: Node
    let loading: SourceLoading
    /// Services taking part whose own profiles were enough, or were named.
    private let indexes: [String: Int]
    private let enabled: Set<String>

    private var reporter: Reporter { loading.reporter }

    init(_ stack: Stack, services: Mapping, project: Node, _ loading: SourceLoading) {
        self.stack = stack
        self.services = services
        self.project = project
        self.loading = loading
        indexes = services.indexes()
        enabled = Set(stack.services.map(\.name))
    }

    func check() {
        let declared = Declared(project)
        for service in stack.services {
            guard let index = indexes[service.name] else { continue }
            let entry = services.entries[index]
            checkCommand(service, entry)
            checkPlatform(entry)
            checkDependencies(entry)
            checkResources(entry, declared)
            Targets(service, entry, reporter).check()
        }
        checkUnused(declared)
        checkFiles()
        DependencyCycles(services, only: enabled).report(to: reporter)
    }

    /// The keys that the file declares, whether or not what stands under them is right.
    private struct Declared {
        let keys: [String: Set<String>]

        init(_ project: Node) {
            var keys: [String: Set<String>] = [:]
            for kind in ["secrets", "configs", "volumes", "networks", "models"] {
                keys[kind] = Set((project[kind]?.mapping?.entries ?? []).map(\.key))
            }
            self.keys = keys
        }

        func has(_ kind: String, _ key: String) -> Bool { keys[kind]?.contains(key) == true }
    }

    private func checkCommand(_ service: Service, _ entry: Mapping.Entry) {
        guard service.image == nil, !service.hasBuild, entry.value["provider"] == nil,
            // One whose `extends` failed may get its command from there.
            entry.value["extends"] == nil
        else { return }
        guard (service.command ?? []).isEmpty, (service.entrypoint ?? []).isEmpty else { return }
        reporter.error(
            "service \"\(service.name)\" has no command to run", at: entry.keyPlace, attribute: "services.\(service.name)",
            remedy: "give it a `command`, or an `image` or `build` that has one")
    }

    private func checkPlatform(_ entry: Mapping.Entry) {
        let platforms = (entry.value["build"]?["platforms"]?.sequence ?? []).compactMap(\.string)
        guard let node = entry.value["platform"], let platform = node.string, !platform.isEmpty, !platforms.isEmpty,
            !platforms.contains(platform)
        else { return }
        reporter.error(
            "services.\(entry.key).build.platforms must include the service's platform \"\(platform)\"", at: node.place,
            attribute: "services.\(entry.key).platform")
    }

    private func checkDependencies(_ entry: Mapping.Entry) {
        for dependency in entry.value["depends_on"]?.mapping?.entries ?? [] {
            guard !enabled.contains(dependency.key) else { continue }
            let path = "services.\(entry.key).depends_on"
            guard let index = indexes[dependency.key] else {
                reporter.error(
                    "service \"\(entry.key)\" depends on undefined service \"\(dependency.key)\"", at: dependency.keyPlace,
                    attribute: path, remedy: reporter.suggestion(for: dependency.key, among: services.entries.map(\.key).filter { $0 != entry.key }))
                continue
            }
            guard dependency.value["required"]?.bool != false else { continue }
            let profile = services.entries[index].value["profiles"]?.sequence?.first?.string
            reporter.error(
                "service \"\(entry.key)\" depends on service \"\(dependency.key)\", which no active profile enables",
                at: dependency.keyPlace, attribute: path, remedy: profile.map { "add --profile \($0)" })
        }
    }

    private func checkResources(_ entry: Mapping.Entry, _ declared: Declared) {
        for attribute in entry.value.mapping?.entries ?? [] {
            switch attribute.key {
            case "secrets", "configs":
                for item in attribute.value.sequence ?? [] { need(item["source"], attribute.key, entry, declared) }
            case "build":
                for item in attribute.value["secrets"]?.sequence ?? [] { need(item["source"], "secrets", entry, declared) }
            case "volumes":
                for item in attribute.value.sequence ?? [] where item["type"]?.string == "volume" {
                    need(item["source"], "volumes", entry, declared)
                }
            case "networks", "models":
                for item in attribute.value.mapping?.entries ?? [] {
                    guard attribute.key == "models" || item.key != "default" else { continue }
                    need(Node(.string(item.key), at: item.keyPlace), attribute.key, entry, declared)
                }
            default: break
            }
        }
    }

    private func need(_ source: Node?, _ kind: String, _ entry: Mapping.Entry, _ declared: Declared) {
        guard let source, let key = source.string, !key.isEmpty, !declared.has(kind, key) else { return }
        reporter.error(
            "service \"\(entry.key)\" refers to undefined \(kind.dropLast()) \(key)", at: source.place,
            attribute: "services.\(entry.key).\(kind)",
            remedy: reporter.suggestion(for: key, among: (declared.keys[kind] ?? []).sorted())
                ?? "declare it under the top-level `\(kind)`")
    }

    private func checkUnused(_ declared: Declared) {
        var used: Set<String> = []
        for entry in services.entries {
            for item in (entry.value["secrets"]?.sequence ?? []) + (entry.value["build"]?["secrets"]?.sequence ?? []) {
                if let key = item["source"]?.string { used.insert(key) }
            }
        }
        for entry in project["secrets"]?.mapping?.entries ?? [] where !used.contains(entry.key) {
            reporter.warning(
                "secret \"\(entry.key)\" is declared, and no service uses it", at: entry.keyPlace,
                attribute: "secrets.\(entry.key)", remedy: "grant it under a service's `secrets`, or remove it")
        }
    }

    /// Only a warning: whoever validates a project need not have its secrets.
    private func checkFiles() {
        let secrets = Set(stack.services.flatMap { $0.secrets.map(\.secret) })
        let configs = Set(stack.services.flatMap { $0.configs.map(\.config) })
        for (kind, used) in [("secrets", secrets), ("configs", configs)] {
            for entry in project[kind]?.mapping?.entries ?? [] where used.contains(entry.key) {
                guard let node = entry.value["file"], let path = node.string, !FileReading.exists(path) else { continue }
                reporter.warning(
                    "\(kind).\(entry.key): the file \(loading.shownName(path)) does not exist", at: node.place,
                    attribute: "\(kind).\(entry.key).file", remedy: "create it before `up`")
            }
        }
    }
}

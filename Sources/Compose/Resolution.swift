import YAML

/// The stages after merging: profiles, completion, the model, and what refers to what.
struct Resolution {
    /// The canonical document, its services completed.
    let project: Node
    /// The canonical services that take part, by name.
    let enabled: [Mapping.Entry]
    private let services: Mapping
    private let profiles: Profiles
    private let name: String
    private let loading: SourceLoading
    private let environment: [String: String]

    /// - Parameter canonical: what the files say together, in canonical form.
    init(_ canonical: Node, name: String, loading: SourceLoading, environment: [String: String]) {
        let reporter = loading.reporter
        self.name = name
        self.loading = loading
        self.environment = environment
        let completion = ServiceCompletion(loading: loading, environment: environment)
        var services = Mapping(
            (canonical["services"]?.mapping?.entries ?? []).filter { $0.value.mapping != nil }.map { entry in
                let path = "services.\(entry.key)"
                let service = completion.defaults(completion.hosts(entry.value, path), path)
                return Mapping.Entry(entry.key, at: entry.keyPlace, service)
            })
        profiles = Profiles(services, loading.options, environment: environment, reporter)
        let indexes = services.indexes()
        for name in profiles.checked {
            guard let index = indexes[name] else { continue }
            let entry = services.entries[index]
            services.entries[index] = Mapping.Entry(
                entry.key, at: entry.keyPlace, completion.files(entry.value, "services.\(name)"))
        }
        self.services = services
        let chosen = profiles.enabled.compactMap { indexes[$0].map { services.entries[$0] } }
        enabled = loading.options.services.isEmpty ? chosen : Self.amongThemselves(chosen)
        project = Self.withResources(canonical, enabled, ResourceCompletion(loading: loading, projectName: name))
    }

    /// Services that were chosen, without their dependencies on others: those are not there.
    private static func amongThemselves(_ services: [Mapping.Entry]) -> [Mapping.Entry] {
        let names = Set(services.map(\.key))
        return services.map { entry in
            let value = entry.value.changing("depends_on") { dependencies in
                guard let entries = dependencies.mapping?.entries else { return dependencies }
                return dependencies.with(.mapping(Mapping(entries.filter { names.contains($0.key) })))
            }
            return Mapping.Entry(entry.key, at: entry.keyPlace, value)
        }
    }

    /// With every resource named, and the default network where a service is on it.
    private static func withResources(
        _ canonical: Node, _ services: [Mapping.Entry], _ completion: ResourceCompletion
    ) -> Node {
        let document = completion.loading.options.steps.normalizes
            ? withDefaultNetwork(canonical, services: services) : canonical
        return document.changingEach { kind, value in
            ["networks", "volumes", "secrets", "configs"].contains(kind) ? completion.apply(value) : value
        }
    }

    /// With the default network declared where a service is on it.
    static func withDefaultNetwork(_ canonical: Node, services: [Mapping.Entry]) -> Node {
        guard var mapping = canonical.mapping else { return canonical }
        let usesDefault = services.contains { $0.value["networks"]?.mapping?["default"] != nil }
        if usesDefault, mapping["networks"]?["default"] == nil {
            let entry = Mapping.Entry("default", at: canonical.place, Node(.null, at: canonical.place))
            let networks = Mapping((mapping["networks"]?.mapping?.entries ?? []) + [entry])
            mapping.entries.removeAll { $0.key == "networks" }
            mapping.entries.append(
                Mapping.Entry("networks", at: canonical.place, Node(.mapping(networks), at: canonical.place)))
        }
        return canonical.with(.mapping(mapping))
    }

    /// The model; what is wrong with it is reported.
    func stack(workingDirectory: String, composeFiles: [String]) -> Stack {
        let reporter = loading.reporter
        let declarations = DeclarationDecoding(reporter: reporter)
        var stack = Stack(name: name, workingDirectory: workingDirectory, composeFiles: composeFiles)
        stack.secrets = declarations.secrets(project["secrets"])
        stack.configs = declarations.configs(project["configs"])
        stack.volumes = declarations.volumes(project["volumes"])
        let indexes = services.indexes()
        let checked = profiles.checked.compactMap { name in
            indexes[name].map { ServiceDecoding(services.entries[$0], reporter).decode() }
        }
        let enabled = Set(profiles.enabled)
        stack.services = checked.filter { enabled.contains($0.name) }
        stack.disabledServices = profiles.disabled
        stack.profiles = profiles.all
        if loading.options.steps.checksConsistency {
            References(stack, checked, profiles, services: services, project: project, loading, environment: environment).check()
        }
        return stack
    }
}

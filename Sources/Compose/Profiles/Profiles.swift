import YAML

/// Which services take part.
///
/// Source: the Compose specification, "Profiles".
struct Profiles {
    /// Enabled, and selected where services were named; by name, sorted.
    let enabled: [String]
    /// Declared, and not taking part; sorted.
    let disabled: [String]
    /// Checked although they may not be selected: enabled without the services that were named, and those that take
    /// part; by name, sorted.
    let checked: [String]
    /// Enabled by the profiles that were asked for, or having none: the only ones that these may depend on.
    let enabledByProfile: Set<String>
    /// Every profile that a service names, sorted.
    let all: [String]

    /// - Parameter services: canonical.
    init(_ services: Mapping, _ options: ProjectOptions, environment: [String: String], _ reporter: Reporter) {
        let indexes = services.indexes()
        func profiles(_ node: Node) -> [String] { (node["profiles"]?.sequence ?? []).compactMap(\.string) }
        all = Set(services.entries.flatMap { profiles($0.value) }).sorted()

        var active = Set(options.profiles)
        // Where none is named, the profile "" is active, as it is for Compose.
        if active.isEmpty { active = Set(Text.trimmedParts(environment["COMPOSE_PROFILES"] ?? "", between: ",")) }
        func isActive(_ node: Node) -> Bool {
            let own = profiles(node)
            return own.isEmpty || active.contains("*") || !active.isDisjoint(with: own)
        }
        func activeServices() -> Set<String> { Set(services.entries.filter { isActive($0.value) }.map(\.key)) }
        enabledByProfile = activeServices()
        for name in options.services {
            if let index = indexes[name] {
                let own = profiles(services.entries[index].value)
                // A service that is enabled anyway must not enable others.
                if !own.isEmpty, active.isDisjoint(with: own) { active.formUnion(own) }
            } else {
                reporter.error(
                    "no such service: \(name)",
                    remedy: reporter.suggestion(for: name, among: services.entries.map(\.key)))
            }
        }
        var chosen = options.services.isEmpty ? enabledByProfile : activeServices()
        if !options.services.isEmpty {
            chosen.formIntersection(Self.withDependencies(options.services, services, indexes))
        }
        enabled = chosen.sorted()
        checked = options.services.isEmpty ? enabled : chosen.union(enabledByProfile).sorted()
        disabled = services.entries.map(\.key).filter { !chosen.contains($0) }.sorted()
        checkNames(services, reporter)
    }

    private static func withDependencies(
        _ names: [String], _ services: Mapping, _ indexes: [String: Int]
    ) -> Set<String> {
        var found: Set<String> = []
        var rest = names
        while let name = rest.popLast() {
            guard let index = indexes[name], found.insert(name).inserted else { continue }
            rest += services.entries[index].value["depends_on"]?.mapping?.entries.map(\.key) ?? []
        }
        return found
    }

    private func checkNames(_ services: Mapping, _ reporter: Reporter) {
        for entry in services.entries {
            for node in entry.value["profiles"]?.sequence ?? [] {
                guard let name = node.string else { continue }
                let isGood = name.utf8.enumerated().allSatisfy { index, byte in
                    (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (0x30...0x39).contains(byte)
                        || (index > 0 && [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains(byte))
                }
                if name.isEmpty || !isGood {
                    reporter.advise(
                        "'\(name)' is no name for a profile", at: node.place, attribute: "services.\(entry.key).profiles",
                        remedy: "use letters, digits, '.', '_' and '-', with a letter or digit first")
                }
            }
        }
    }
}

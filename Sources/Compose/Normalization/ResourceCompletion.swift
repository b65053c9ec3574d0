import Linux
import YAML

/// Gives what is declared at the top level its name, and makes its paths absolute.
struct ResourceCompletion {
    let loading: SourceLoading
    let projectName: String

    func apply(_ resources: Node) -> Node {
        guard let mapping = resources.mapping else { return resources }
        return resources.with(
            .mapping(Mapping(mapping.entries.map { Mapping.Entry($0.key, at: $0.keyPlace, resource($0)) })))
    }

    private func resource(_ entry: Mapping.Entry) -> Node {
        guard entry.value.mapping != nil || entry.value.isNull else { return entry.value }
        if entry.value.isNull, !loading.interpolates, !loading.options.steps.normalizes { return entry.value }
        var mapping = entry.value.mapping ?? Mapping()
        let isExternal = mapping["external"]?.bool == true
        if mapping["name"] == nil, loading.options.steps.normalizes {
            let name = isExternal ? entry.key : "\(projectName)_\(entry.key)"
            mapping.entries.append(
                Mapping.Entry("name", at: entry.keyPlace, Node(.string(name), at: entry.keyPlace)))
        }
        let paths = loading.paths
        let resource = Node(.mapping(mapping), at: entry.value.place).changing("file", paths.anySystem)
        guard resource["driver"]?.string == "local", resource["driver_opts"]?["o"]?.string == "bind" else { return resource }
        return resource.changing("driver_opts") { $0.changing("device", paths.anySystem) }
    }
}

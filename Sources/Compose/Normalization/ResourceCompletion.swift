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
        var mapping = entry.value.mapping ?? Mapping()
        let isExternal = mapping["external"]?.bool == true
        if mapping["name"] == nil {
            let name = isExternal ? entry.key : "\(projectName)_\(entry.key)"
            mapping.entries.append(
                Mapping.Entry("name", at: entry.keyPlace, Node(.string(name), at: entry.keyPlace)))
        }
        makeAbsolute("file", in: &mapping)
        if mapping["driver"]?.string == "local", var options = mapping["driver_opts"]?.mapping,
            options["o"]?.string == "bind"
        {
            makeAbsolute("device", in: &options, evenEmpty: true)
            if let index = mapping.entries.firstIndex(where: { $0.key == "driver_opts" }) {
                let old = mapping.entries[index]
                mapping.entries[index] = Mapping.Entry(old.key, at: old.keyPlace, old.value.with(.mapping(options)))
            }
        }
        return Node(.mapping(mapping), at: entry.value.place)
    }

    private func makeAbsolute(_ key: String, in mapping: inout Mapping, evenEmpty: Bool = false) {
        guard let index = mapping.entries.firstIndex(where: { $0.key == key }) else { return }
        let entry = mapping.entries[index]
        guard let text = entry.value.string, evenEmpty || !text.isEmpty else { return }
        let path = Paths.absolute(text, from: entry.value.place.source.baseDirectory, home: loading.home)
        mapping.entries[index] = Mapping.Entry(key, at: entry.keyPlace, entry.value.with(.string(path)))
    }
}

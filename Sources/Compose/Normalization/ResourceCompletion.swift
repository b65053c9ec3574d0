import Linux
import YAML

/// Gives what is declared at the top level its name, and makes its paths absolute.
struct ResourceCompletion {
    let loading: SourceLoading
    let projectName: String

    /// - Parameter kind: `networks`, `volumes`, `secrets` or `configs`.
    func apply(_ resources: Node, _ kind: String, original: Node?) -> Node {
        guard let mapping = resources.mapping else { return resources }
        let raw = original?.mapping?.indexes() ?? [:]
        return resources.with(
            .mapping(
                Mapping(
                    mapping.entries.map { entry in
                        let before = raw[entry.key].flatMap { original?.mapping?.entries[$0].value }
                        let value = resource(entry, "\(kind).\(entry.key)", before)
                        return Mapping.Entry(entry.key, at: entry.keyPlace, value)
                    })))
    }

    private func resource(_ entry: Mapping.Entry, _ path: String, _ original: Node?) -> Node {
        guard entry.value.mapping != nil || entry.value.isNull else { return entry.value }
        var mapping = entry.value.mapping ?? Mapping()
        let isExternal = mapping["external"]?.bool == true
        if let external = original?["external"], let name = external["name"] {
            loading.reporter.warning(
                "\(path): external.name is deprecated. Please set name and external: true", at: external.place,
                attribute: path)
            if let own = mapping["name"], own.string != name.string {
                loading.reporter.error(
                    "\(path): name and external.name conflict; only use name", at: external.place, attribute: path)
            } else if mapping["name"] == nil {
                mapping.entries.append(Mapping.Entry("name", at: name.place, name))
            }
        }
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

import YAML

/// The deprecated `external: {name: NAME}`, of which the name is kept.
struct ExternalNames {
    let reporter: Reporter

    /// The document with each such name where it belongs.
    func adopt(_ document: Node) -> Node {
        document.changingEach { kind, resources in
            guard ["networks", "volumes", "secrets", "configs"].contains(kind) else { return resources }
            return resources.changingEach { key, resource in
                guard let external = resource["external"], let name = external["name"] else { return resource }
                return adopt(resource, external, name, "\(kind).\(key)")
            }
        }
    }

    private func adopt(_ resource: Node, _ external: Node, _ name: Node, _ path: String) -> Node {
        reporter.warning(
            "\(path): external.name is deprecated. Please set name and external: true", at: external.place, attribute: path)
        if let own = resource["name"], own.string != name.string {
            reporter.error(
                "\(path): name and external.name conflict; only use name", at: external.place, attribute: path)
        }
        guard var mapping = resource.mapping, mapping["name"] == nil else { return resource }
        mapping.entries.append(Mapping.Entry("name", at: name.place, name))
        return resource.with(.mapping(mapping))
    }
}

import YAML

/// Turns canonical top-level secrets, configs and volumes into the model.
struct DeclarationDecoding {
    let reporter: Reporter

    func secrets(_ node: Node?) -> [SecretDeclaration] {
        (node?.mapping?.entries ?? []).compactMap { entry in
            guard entry.value.mapping != nil else { return nil }
            let path = "secrets.\(entry.key)"
            let name = storeName(entry, path)
            let renewal = RenewalDecoding(path, reporter).renewal(of: entry.value)
            guard let source = secretSource(entry.value, path, renewal) else { return nil }
            return SecretDeclaration(
                key: entry.key, storeName: name, source: source, labels: labels(entry.value), renewal: renewal,
                location: entry.keyPlace.location)
        }.sorted { $0.key < $1.key }
    }

    func configs(_ node: Node?) -> [ConfigDeclaration] {
        (node?.mapping?.entries ?? []).compactMap { entry in
            guard entry.value.mapping != nil else { return nil }
            let path = "configs.\(entry.key)"
            guard let kind = only(["file", "environment", "content"], entry.value, path) else { return nil }
            let text = entry.value[kind]?.string ?? ""
            let source: ConfigDeclaration.Source
            switch kind {
            case "file": source = .file(text)
            case "environment": source = .environment(text)
            case "content": source = .content(text)
            default: source = .external
            }
            return ConfigDeclaration(
                key: entry.key, name: entry.value["name"]?.string ?? entry.key, source: source,
                location: entry.keyPlace.location)
        }.sorted { $0.key < $1.key }
    }

    func volumes(_ node: Node?) -> [VolumeDeclaration] {
        (node?.mapping?.entries ?? []).compactMap { entry in
            guard entry.value.mapping != nil else { return nil }
            // It becomes a folder's name, which must not lead out of where volumes are.
            return VolumeDeclaration(
                key: entry.key, name: storeName(entry, "volumes.\(entry.key)"),
                external: entry.value["external"]?.bool ?? false, labels: labels(entry.value))
        }.sorted { $0.key < $1.key }
    }

    private func labels(_ node: Node) -> [String: String] {
        var result: [String: String] = [:]
        for entry in node["labels"]?.mapping?.entries ?? [] { result[entry.key] = entry.value.string ?? "" }
        return result
    }

    private func secretSource(_ node: Node, _ path: String, _ renewal: SecretRenewal?) -> SecretDeclaration.Source? {
        let isGiven = ["file", "environment", "driver", "external"].contains { node[$0] != nil }
        if !isGiven, case .rotate = renewal { return .made }
        guard let kind = only(["file", "environment", "driver"], node, path) else { return nil }
        let text = node[kind]?.string ?? ""
        switch kind {
        case "file": return .file(text)
        case "environment": return .environment(text)
        case "driver":
            var options: [String: String] = [:]
            for entry in node["driver_opts"]?.mapping?.entries ?? [] { options[entry.key] = entry.value.string ?? "" }
            return .driver(text, options: options, directory: node[kind]?.place.source.baseDirectory ?? "/")
        default: return .external
        }
    }

    /// The one attribute of several that says where the value comes from, `external` included; nil where there is none,
    /// or more than one.
    private func only(_ kinds: [String], _ node: Node, _ path: String) -> String? {
        let given = kinds.filter { node[$0] != nil }
        if node["external"]?.bool == true, given.count < 2 {
            if let other = given.first {
                reporter.warning(
                    "\(path).\(other) has no effect: \(path) is external", at: node[other]?.place, attribute: "\(path).\(other)",
                    remedy: "remove one of the two")
            }
            return "external"
        }
        if given.count == 2, let other = given.last, other == "driver" {
            reporter.error(
                "\(given[0]) and \(other) are mutually exclusive", at: node[given[0]]?.place, attribute: "\(path).\(given[0])",
                remedy: "keep one of them")
        }
        guard given.count == 1, let kind = given.first else { return nil }
        if kind != "external", node[kind]?.string == "" {
            reporter.obstacle("\(path).\(kind) is empty", at: node[kind]?.place, attribute: "\(path).\(kind)")
            return nil
        }
        return kind
    }

    private func storeName(_ entry: Mapping.Entry, _ path: String) -> String {
        let node = entry.value["name"]
        let name = node?.string ?? entry.key
        let isGood = !["", ".", ".."].contains(name) && name.utf8.allSatisfy { byte in
            (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (0x30...0x39).contains(byte)
                || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains(byte)
        }
        if !isGood {
            reporter.obstacle(
                "\(path): invalid name '\(name)'", at: node?.place, attribute: "\(path).name",
                remedy: "use letters, digits, '.', '_' and '-' only")
        }
        return name
    }
}

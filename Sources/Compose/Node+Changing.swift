import YAML

/// Changes of single values of a mapping; where nothing changes, the node stays the same one.
extension Node {
    /// With another value under a key, where that is there.
    func changing(_ key: String, _ change: (Node) -> Node) -> Node {
        guard var mapping, let index = mapping.entries.firstIndex(where: { $0.key == key }) else { return self }
        let entry = mapping.entries[index]
        let value = change(entry.value)
        guard value !== entry.value else { return self }
        mapping.entries[index] = Mapping.Entry(key, at: entry.keyPlace, value)
        return with(.mapping(mapping))
    }

    /// With another value under each key.
    func changingEach(_ change: (String, Node) -> Node) -> Node {
        guard let entries = mapping?.entries else { return self }
        var changed: [Mapping.Entry]?
        for (index, entry) in entries.enumerated() {
            let value = change(entry.key, entry.value)
            guard value !== entry.value else { continue }
            if changed == nil { changed = entries }
            changed?[index] = Mapping.Entry(entry.key, at: entry.keyPlace, value)
        }
        return changed.map { with(.mapping(Mapping($0))) } ?? self
    }

    /// With an attribute, in the place of the one that is there.
    func setting(_ key: String, _ value: Node) -> Node {
        guard mapping?[key] == nil else { return changing(key) { _ in value } }
        return with(.mapping(Mapping((mapping?.entries ?? []) + [Mapping.Entry(key, at: value.place, value)])))
    }

    /// With an attribute that is not there yet; a node that is no mapping stays as it is.
    func settingIfAbsent(_ key: String, _ value: Node.Value) -> Node {
        mapping == nil || self[key] != nil ? self : setting(key, Node(value, at: place))
    }

    /// With another value for each entry of a list.
    func changingItems(_ change: (Node) -> Node) -> Node {
        guard let sequence else { return self }
        return with(.sequence(sequence.map(change)))
    }
}

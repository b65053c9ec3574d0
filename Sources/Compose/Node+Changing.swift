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

    /// With another value for each entry of a list.
    func changingItems(_ change: (Node) -> Node) -> Node {
        guard let sequence else { return self }
        return with(.sequence(sequence.map(change)))
    }
}

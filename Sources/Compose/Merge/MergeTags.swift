import YAML

extension Node {
    /// Without what `!reset` removes and without tags, all the way down.
    ///
    /// - Parameter keepingTags: leaves the tags of a mapping's values, for a document that is merged into another.
    func withoutTags(keepingTags: Bool = false) -> Node {
        switch value {
        case .mapping(let mapping):
            var entries: [Mapping.Entry] = []
            var changed = tag != .none && !keepingTags
            entries.reserveCapacity(mapping.count)
            for entry in mapping.entries {
                if entry.value.tag == .reset {
                    if keepingTags { entries.append(entry) } else { changed = true }
                    continue
                }
                let value = entry.value.withoutTags(keepingTags: keepingTags)
                if value !== entry.value { changed = true }
                entries.append(value === entry.value ? entry : Mapping.Entry(entry.key, at: entry.keyPlace, value))
            }
            let kept = keepingTags ? tag : .none
            return changed ? Node(.mapping(Mapping(entries)), at: place, tag: kept) : self
        case .sequence(let items):
            let left = items.filter { $0.tag != .reset }.map { $0.withoutTags() }
            let same = left.count == items.count && zip(left, items).allSatisfy { $0 === $1 }
            if same, keepingTags || tag == .none { return self }
            return Node(.sequence(left), at: place, tag: keepingTags ? tag : .none)
        default:
            return tag == .none || keepingTags ? self : Node(value, at: place)
        }
    }
}

import YAML

/// Combines what files say about the same thing.
struct Merge {
    let reporter: Reporter
    /// Keeps `!reset` and `!override`, for a result that is merged into something else afterwards.
    var keepsTags = false

    /// The document of a whole file over the documents before it.
    func project(_ base: Node, _ over: Node) -> Node {
        mappings(base, over, "") { key, base, over in
            switch key {
            case "services":
                mappings(base, over, key) { name, base, over in service(base, over, "services.\(name)") }
            case "networks", "volumes", "secrets", "configs":
                mappings(base, over, key) { name, base, over in
                    resource(base, over, "\(key).\(name)", MergeRules.project[key] ?? [:])
                }
            default:
                plain(base, over, key)
            }
        }
    }

    /// A service over the one of an earlier file, or over the one it extends.
    func service(_ base: Node, _ over: Node, _ path: String) -> Node {
        mappings(base, over, path) { key, base, over in
            let rules = MergeRules.below(serviceAttribute: key)
            return apply(MergeRules.service[key] ?? .plain, base, over, "\(path).\(key)", rules)
        }
    }

    private func resource(_ base: Node, _ over: Node, _ path: String, _ rules: [String: MergeRule]) -> Node {
        mappings(base, over, path) { key, base, over in
            apply(rules[key] ?? .plain, base, over, "\(path).\(key)", key == "ipam" ? MergeRules.ipam : [:])
        }
    }

    private func apply(
        _ rule: MergeRule, _ base: Node, _ over: Node, _ path: String, _ rules: [String: MergeRule]
    ) -> Node {
        switch rule {
        case .replace:
            return over
        case .keyValues:
            guard let left = keyValues(base), let right = keyValues(over) else { return mismatch(base, over, path) }
            return mappings(left, right, path) { _, _, over in over }
        case .hosts:
            return appended(base, over, path, Self.hosts) { left, right in
                let known = Set(left.compactMap(\.string))
                return left + right.filter { !known.contains($0.string ?? "") }
            }
        case .appended:
            return appended(base, over, path, Self.list) { $0 + $1 }
        case .names:
            guard let left = names(base), let right = names(over) else { return mismatch(base, over, path) }
            return plain(left, right, path)
        case .shorthand(let attribute):
            return rulesBelow(long(base, attribute), long(over, attribute), path, rules)
        case .unique(let identity):
            return appended(base, over, path, { $0.sequence }) { left, right in
                UniqueList.merged(left, right, by: identity)
            }
        case .logging:
            let (left, right) = (base["driver"]?.string, over["driver"]?.string)
            return left != nil && right != nil && left != right ? over : plain(base, over, path)
        case .subnets:
            return appended(base, over, path, { $0.sequence }) { subnets($0, $1, path) }
        case .plain:
            return rules.isEmpty ? plain(base, over, path) : rulesBelow(base, over, path, rules)
        }
    }

    private func rulesBelow(_ base: Node, _ over: Node, _ path: String, _ rules: [String: MergeRule]) -> Node {
        guard over.mapping != nil || over.isNull else { return mismatch(base, over, path) }
        return mappings(base, over, path) { key, base, over in
            apply(rules[key] ?? .plain, base, over, "\(path).\(key)", [:])
        }
    }

    private func plain(_ base: Node, _ over: Node, _ path: String) -> Node {
        if over.isNull { return base }
        switch (base.value, over.value) {
        case (.mapping, .mapping):
            // A ulimit's or another short form's number replaces a mapping; below that it is entry by entry.
            return mappings(base, over, path) { key, base, over in plain(base, over, "\(path).\(key)") }
        case (.sequence(let left), .sequence(let right)):
            return over.with(.sequence(left + right))
        case (.mapping, .sequence), (.sequence, .mapping):
            return mismatch(base, over, path)
        default:
            return over
        }
    }

    /// Merges two mappings, with `combine` for the keys that both have; tags are obeyed here and nowhere else.
    private func mappings(
        _ base: Node, _ over: Node, _ path: String, _ combine: (String, Node, Node) -> Node
    ) -> Node {
        if over.isNull { return base }
        if base.isNull { return over }
        guard var merged = base.mapping, let new = over.mapping else { return mismatch(base, over, path) }
        let indexes = merged.indexes()
        var removed: Set<Int> = []
        for entry in new.entries {
            guard let index = indexes[entry.key] else {
                if entry.value.tag != .reset || keepsTags { merged.entries.append(entry) }
                continue
            }
            let old = merged.entries[index].value
            switch entry.value.tag {
            case .reset:
                if keepsTags { merged.entries[index] = entry } else { removed.insert(index) }
            case .override:
                merged.entries[index] = entry
            case .none:
                merged.entries[index] = Mapping.Entry(
                    entry.key, at: entry.keyPlace, combine(entry.key, old, entry.value))
            }
        }
        if !removed.isEmpty {
            merged.entries = merged.entries.enumerated().filter { !removed.contains($0.offset) }.map(\.element)
        }
        return Node(.mapping(merged), at: over.place, tag: base.tag)
    }

    private func appended(
        _ base: Node, _ over: Node, _ path: String, _ list: (Node) -> [Node]?, _ join: ([Node], [Node]) -> [Node]
    ) -> Node {
        if over.isNull { return base }
        if base.isNull { return over }
        guard let left = list(base), let right = list(over) else { return mismatch(base, over, path) }
        return over.with(.sequence(join(left, right)))
    }

    private func mismatch(_ base: Node, _ over: Node, _ path: String) -> Node {
        if over.isNull { return base }
        guard !base.isNull else { return over }
        reporter.error(
            "cannot override \(path): it is \(base.kindName) in \(base.place.source.file), line \(base.place.line), "
                + "and \(over.kindName) here", at: over.place, attribute: path,
            remedy: "use the same form in both files")
        return over
    }
}

/// The short forms that merging has to see through.
extension Merge {
    private func keyValues(_ node: Node) -> Node? {
        if node.isNull { return node.with(.mapping(Mapping())) }
        guard let items = node.sequence else { return node.mapping == nil ? nil : node }
        var entries: [Mapping.Entry] = []
        var indexes: [String: Int] = [:]
        for item in items {
            guard let text = item.string else { return nil }
            let (key, value) = Text.cut(text, at: UInt8(ascii: "="))
            let entry = Mapping.Entry(key, at: item.place, item.with(value.map { .string($0) } ?? .null))
            if let index = indexes[key] {
                entries[index] = entry
            } else {
                indexes[key] = entries.count
                entries.append(entry)
            }
        }
        return node.with(.mapping(Mapping(entries)))
    }

    private func names(_ node: Node) -> Node? {
        guard let items = node.sequence else { return node.mapping == nil ? nil : node }
        var entries: [Mapping.Entry] = []
        var seen: Set<String> = []
        for item in items {
            guard let name = item.string else { return nil }
            if seen.insert(name).inserted { entries.append(Mapping.Entry(name, at: item.place, item.with(.null))) }
        }
        return node.with(.mapping(Mapping(entries)))
    }

    private func long(_ node: Node, _ attribute: String) -> Node {
        guard node.string != nil else { return node }
        let value = Node(node.value, at: node.place)
        return node.with(.mapping(Mapping([Mapping.Entry(attribute, at: node.place, value)])))
    }

    private static func list(_ node: Node) -> [Node]? {
        if let items = node.sequence { return items }
        return node.mapping == nil ? [node] : nil
    }

    private static func hosts(_ node: Node) -> [Node]? {
        guard let mapping = node.mapping else { return node.sequence }
        return mapping.entries.flatMap { entry in
            (entry.value.sequence ?? [entry.value]).map { address in
                address.with(.string("\(entry.key)=\(address.string ?? "")"))
            }
        }
    }

    /// The later file's subnets, each with what the earlier one says of it besides.
    private func subnets(_ base: [Node], _ over: [Node], _ path: String) -> [Node] {
        over.map { node in
            guard let subnet = node["subnet"]?.string,
                let old = base.first(where: { $0["subnet"]?.string == subnet })
            else { return node }
            return plain(old, node, path)
        }
    }
}

extension Node {
    /// The kind of the value, with an article.
    var kindName: String {
        switch value {
        case .null: "empty"
        case .bool: "a boolean"
        case .integer, .float: "a number"
        case .string: "a string"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// Without what `!reset` removes and without tags, all the way down.
    func withoutTags() -> Node {
        switch value {
        case .mapping(let mapping):
            var entries: [Mapping.Entry] = []
            var changed = tag != .none
            entries.reserveCapacity(mapping.count)
            for entry in mapping.entries {
                if entry.value.tag == .reset {
                    changed = true
                    continue
                }
                let value = entry.value.withoutTags()
                if value !== entry.value { changed = true }
                entries.append(value === entry.value ? entry : Mapping.Entry(entry.key, at: entry.keyPlace, value))
            }
            return changed ? Node(.mapping(Mapping(entries)), at: place) : self
        case .sequence(let items):
            let kept = items.filter { $0.tag != .reset }.map { $0.withoutTags() }
            let same = tag == .none && kept.count == items.count && zip(kept, items).allSatisfy { $0 === $1 }
            return same ? self : Node(.sequence(kept), at: place)
        default:
            return tag == .none ? self : Node(value, at: place)
        }
    }
}

import YAML

/// Combines what files say about the same thing.
struct Merge {
    let reporter: Reporter
    /// Keeps `!reset` and `!override`, for a result that is merged into something else afterwards.
    var keepsTags = false
    /// Leaves `K=V` lists that were merged lists, as they are printed while they have variables.
    var keepsLists = false

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
            if keepsLists { return texts(base, left, over, right, path) }
            return asList(mappings(left, right, path, resets: !isList(left)) { _, _, over in over })
        case .hosts:
            return appended(base, over, path, Self.hosts) { left, right in
                let known = Set(left.compactMap(\.string))
                return left + right.filter { !known.contains($0.string ?? "") }
            }
        case .appended:
            return appended(base, over, path, Self.list) { $0 + $1 }
        case .names, .dependencies:
            let standsFor: (Node) -> Node
            if case .dependencies = rule { standsFor = { Node.dependency(at: $0.place) } } else { standsFor = { $0.with(.null) } }
            guard let left = names(base, standsFor), let right = names(over, standsFor) else {
                return mismatch(base, over, path)
            }
            return plain(left, right, path)
        case .shorthand(let attribute):
            return rulesBelow(long(base, attribute), long(over, attribute), path, rules)
        case .entries:
            return mappings(base, over, path) { _, _, over in over }
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
            return mappings(base, over, path) { key, base, over in plain(base, over, "\(path).\(key)") }
        case (.sequence(let left), .sequence(let right)):
            return over.with(.sequence(left + right))
        case (.mapping, _), (.sequence, _):
            return mismatch(base, over, path)
        default:
            return over
        }
    }

    /// Merges two mappings, with `combine` for the keys that both have; tags are obeyed here and nowhere else.
    ///
    /// - Parameter resets: false where Compose doesn't find what a `!reset` names.
    private func mappings(
        _ base: Node, _ over: Node, _ path: String, resets: Bool = true, _ combine: (String, Node, Node) -> Node
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
            case .reset where !resets:
                reporter.warning(
                    "\(path).\(entry.key): `!reset` removes nothing from a list", at: entry.keyPlace, attribute: path,
                    remedy: "write \(path) as a mapping in the earlier file, or reset it as a whole")
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
        // What follows would only say again that the form is another one.
        return base
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

    /// `K=V` texts of what was merged: those of a mapping sorted, those of a list in its order.
    private func texts(_ base: Node, _ left: Node, _ over: Node, _ right: Node, _ path: String) -> Node {
        func inOrder(_ node: Node, _ mapping: Node) -> Node {
            guard node.mapping != nil, let entries = mapping.mapping?.entries else { return mapping }
            return mapping.with(.mapping(Mapping(entries.sorted { Self.text($0) < Self.text($1) })))
        }
        let merged = mappings(inOrder(base, left), inOrder(over, right), path, resets: !isList(left)) { _, _, over in over }
        guard let entries = merged.mapping?.entries, entries.allSatisfy({ $0.value.tag == .none }) else { return merged }
        return merged.with(.sequence(entries.map { $0.value.with(.string(Self.text($0))) }))
    }

    private static func text(_ entry: Mapping.Entry) -> String {
        entry.value.isNull ? entry.key : "\(entry.key)=\(entry.value.scalarText ?? "")"
    }

    /// Whether a mapping's entries were written as a list's: each is where its value is.
    private func isList(_ node: Node) -> Bool {
        node.mapping?.entries.first.map { $0.isListItem } ?? false
    }

    /// What was merged counts as a list, as it is one for Compose.
    private func asList(_ node: Node) -> Node {
        guard let entries = node.mapping?.entries else { return node }
        return node.with(.mapping(Mapping(entries.map { Mapping.Entry($0.key, at: $0.value.place, $0.value) })))
    }

    private func names(_ node: Node, _ standsFor: (Node) -> Node) -> Node? {
        guard let items = node.sequence else { return node.mapping == nil ? nil : node }
        var entries: [Mapping.Entry] = []
        var seen: Set<String> = []
        for item in items {
            guard let name = item.string else { return nil }
            if seen.insert(name).inserted { entries.append(Mapping.Entry(name, at: item.place, standsFor(item))) }
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
                address.with(.string(address.isNull ? entry.key : "\(entry.key)=\(address.scalarText ?? "")"))
            }
        }.sorted { ($0.string ?? "") < ($1.string ?? "") }
    }

    /// Each of the earlier file's subnets meets each of the later one's, as Compose has it, and is what it became in
    /// meeting the ones before: what looks like a mistake here is Compose's.
    private func subnets(_ base: [Node], _ over: [Node], _ path: String) -> [Node] {
        final class Subnet {
            var node: Node
            var name: String? { node["subnet"]?.string }
            init(_ node: Node) { self.node = node }
        }
        var result: [Subnet] = []
        for old in base.map(Subnet.init) {
            for new in over {
                let name = new["subnet"]?.string
                if name != old.name, !result.contains(where: { $0.name == name }) {
                    result.append(Subnet(new))
                    continue
                }
                old.node = plain(old.node, new, path)
                if let index = result.firstIndex(where: { $0.name == old.name }) {
                    result[index] = old
                } else {
                    result.append(old)
                }
            }
        }
        return result.map(\.node)
    }
}

extension Mapping.Entry {
    /// Whether a `K=V` text of a list became this entry.
    var isListItem: Bool { keyPlace.location == value.place.location }
}

extension Node {
    /// What a service's name in a list of dependencies stands for.
    static func dependency(at place: Place) -> Node {
        Node(
            .mapping(
                Mapping([
                    Mapping.Entry("condition", at: place, Node(.string("service_started"), at: place)),
                    Mapping.Entry("required", at: place, Node(.bool(true), at: place)),
                ])), at: place)
    }

    /// The kind of the value, with an article.
    var kindName: String {
        switch value {
        case .null: "empty"
        case .bool: "a boolean"
        case .integer, .unsigned, .float: "a number"
        case .timestamp: "a date"
        case .string: "a string"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

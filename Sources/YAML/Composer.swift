import CYAML

/// Builds nodes from libyaml's events.
///
/// It keeps its own stack, so that nesting in the text is not nesting of calls.
struct Composer {
    private struct Open {
        enum Kind { case sequence, mapping }
        let kind: Kind
        let place: Place
        let anchor: String?
        let tag: Node.MergeTag
        var items: [Node] = []
        var entries: [Mapping.Entry] = []
        /// The key that waits for its value; nil text for one that can't be a key, whose value is dropped.
        var key: (text: String?, place: Place)?
        /// Values of `<<`, in the order of the file.
        var merges: [Node] = []
        var mergeKey: Place?
        /// The nodes below, aliases expanded.
        var weight = 1
    }

    private let source: SourceText
    private let limits: Limits
    private var stack: [Open] = []
    private var anchors: [String: (node: Node, weight: Int)] = [:]
    private var aliased = 0
    private(set) var documents: [Node] = []
    var diagnostics: [Diagnostic] = []

    init(source: SourceText, limits: Limits) {
        self.source = source
        self.limits = limits
    }

    /// Takes one event; false where the rest of the text must not be read.
    mutating func take(_ event: yaml_event_t) -> Bool {
        let place = Place(source, line: event.start_mark.line + 1, column: event.start_mark.column + 1)
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            anchors = [:]
        case YAML_SCALAR_EVENT:
            let anchor = text(event.data.scalar.anchor)
            let node = scalar(event, place)
            return add(node, weight: 1, anchor: anchor, isPlainMerge: isMerge(event))
        case YAML_ALIAS_EVENT:
            return addAlias(text(event.data.alias.anchor) ?? "", place)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return open(Open(kind: .sequence, place: place, anchor: text(start.anchor), tag: mergeTag(start.tag)))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return open(Open(kind: .mapping, place: place, anchor: text(start.anchor), tag: mergeTag(start.tag)))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return close()
        default:
            break
        }
        return true
    }

    private mutating func open(_ open: Open) -> Bool {
        guard stack.count < limits.depth else {
            diagnostics.append(
                Diagnostic(.error, "nesting is deeper than the \(limits.depth) levels allowed", at: open.place))
            return false
        }
        stack.append(open)
        return true
    }

    private mutating func close() -> Bool {
        guard let open = stack.popLast() else { return true }
        let node: Node
        switch open.kind {
        case .sequence:
            node = Node(.sequence(open.items), at: open.place, tag: open.tag)
        case .mapping:
            let entries = withMerges(open)
            node = Node(.mapping(Mapping(entries)), at: open.place, tag: open.tag)
        }
        return add(node, weight: open.weight, anchor: open.anchor)
    }

    private mutating func addAlias(_ name: String, _ place: Place) -> Bool {
        guard let target = anchors[name] else {
            let inside = stack.contains { $0.anchor == name }
            let message = inside ? "alias '*\(name)' refers to a node that it is part of" : "unknown anchor '\(name)'"
            let near = inside ? nil : Spelling.suggestion(for: name, among: anchors.keys.sorted())
            diagnostics.append(Diagnostic(.error, message, at: place, remedy: near))
            return false
        }
        aliased += target.weight
        guard aliased <= limits.aliasedNodes else {
            diagnostics.append(
                Diagnostic(.error, "aliases expand to more than the \(limits.aliasedNodes) values allowed", at: place))
            return false
        }
        return add(target.node, weight: target.weight, anchor: nil, aliasPlace: place)
    }

    private mutating func add(
        _ node: Node, weight: Int, anchor: String?, isPlainMerge: Bool = false, aliasPlace: Place? = nil
    ) -> Bool {
        if let anchor { anchors[anchor] = (node, weight) }
        guard !stack.isEmpty else {
            documents.append(node)
            return true
        }
        let top = stack.count - 1
        stack[top].weight += weight
        guard stack[top].kind == .mapping else {
            stack[top].items.append(node)
            return true
        }
        if let key = stack[top].key {
            stack[top].key = nil
            if let text = key.text { stack[top].entries.append(Mapping.Entry(text, at: key.place, node)) }
        } else if let mergeKey = stack[top].mergeKey {
            stack[top].mergeKey = nil
            addMerge(node, at: aliasPlace ?? mergeKey)
        } else if isPlainMerge {
            if !stack[top].merges.isEmpty {
                diagnostics.append(
                    Diagnostic(.error, "duplicate key '<<'", at: node.place, remedy: "write one `<<: [*a, *b]`"))
            }
            stack[top].mergeKey = node.place
        } else {
            stack[top].key = (keyText(node, at: aliasPlace ?? node.place), aliasPlace ?? node.place)
        }
        return true
    }

    private mutating func addMerge(_ node: Node, at place: Place) {
        let top = stack.count - 1
        switch node.value {
        case .mapping:
            stack[top].merges.append(node)
        case .sequence(let items) where items.allSatisfy { $0.mapping != nil }:
            stack[top].merges += items
        default:
            diagnostics.append(Diagnostic(.error, "`<<` must be a mapping or a list of mappings", at: place))
        }
    }

    private mutating func keyText(_ node: Node, at place: Place) -> String? {
        switch node.value {
        case .string(let text):
            return text
        case .integer, .float, .bool, .null:
            let text = source.line(place.line).map { line in
                String(line.dropFirst(place.column - 1).prefix { $0 != ":" && $0 != "," && $0 != "}" })
            } ?? ""
            diagnostics.append(
                Diagnostic(.error, "key \(text) is not a string", at: place, remedy: "put it in quotes: \"\(text)\""))
        case .sequence, .mapping:
            diagnostics.append(Diagnostic(.error, "a key must be a string", at: place))
        }
        return nil
    }

    /// The entries with those of `<<` after them; what is nearer wins: the mapping's own, then the first merged.
    private mutating func withMerges(_ open: Open) -> [Mapping.Entry] {
        var entries = open.entries
        if entries.count + open.merges.count > 1 {
            if open.merges.isEmpty, entries.count <= 8 {
                removeDuplicatesPairwise(&entries)
            } else {
                var first: [String: Int] = [:]
                var kept: [Mapping.Entry] = []
                kept.reserveCapacity(entries.count)
                for entry in entries {
                    if let index = first[entry.key] {
                        reportDuplicate(entry, first: kept[index])
                    } else {
                        first[entry.key] = kept.count
                        kept.append(entry)
                    }
                }
                for merge in open.merges {
                    for entry in merge.mapping?.entries ?? [] where first[entry.key] == nil {
                        first[entry.key] = kept.count
                        kept.append(entry)
                    }
                }
                entries = kept
            }
        } else if let merge = open.merges.first {
            entries = merge.mapping?.entries ?? []
        }
        return entries
    }

    private mutating func removeDuplicatesPairwise(_ entries: inout [Mapping.Entry]) {
        var index = 1
        while index < entries.count {
            if let first = entries[..<index].first(where: { $0.key == entries[index].key }) {
                reportDuplicate(entries[index], first: first)
                entries.remove(at: index)
            } else {
                index += 1
            }
        }
    }

    private mutating func reportDuplicate(_ entry: Mapping.Entry, first: Mapping.Entry) {
        diagnostics.append(
            Diagnostic(
                .error, "duplicate key '\(entry.key)', first defined at line \(first.keyPlace.line), column "
                    + "\(first.keyPlace.column)", at: entry.keyPlace, remedy: "remove or rename one of the two"))
    }
}

extension Composer {
    private func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    private func mergeTag(_ tag: UnsafeMutablePointer<yaml_char_t>?) -> Node.MergeTag {
        guard let tag = text(tag) else { return .none }
        return tag == "!reset" ? .reset : tag == "!override" ? .override : .none
    }

    private func isMerge(_ event: yaml_event_t) -> Bool {
        let scalar = event.data.scalar
        return scalar.length == 2 && scalar.style == YAML_PLAIN_SCALAR_STYLE
            && scalar.value[0] == UInt8(ascii: "<") && scalar.value[1] == UInt8(ascii: "<")
    }

    private mutating func scalar(_ event: yaml_event_t, _ place: Place) -> Node {
        let scalar = event.data.scalar
        let text = String(
            decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        guard let tag = self.text(scalar.tag) else {
            let plain = scalar.plain_implicit == 1 && scalar.style == YAML_PLAIN_SCALAR_STYLE
            return Node(plain ? ScalarResolution.resolve(text) : .string(text), at: place)
        }
        let standard = "tag:yaml.org,2002:"
        if tag.hasPrefix(standard) {
            let short = tag.dropFirst(standard.count)
            if let value = ScalarResolution.resolve(text, tag: short) { return Node(value, at: place) }
            diagnostics.append(Diagnostic(.error, "the value is not what its tag '!!\(short)' says", at: place))
            return Node(.null, at: place)
        }
        let merge = mergeTag(scalar.tag)
        let plain = merge != .none && scalar.style == YAML_PLAIN_SCALAR_STYLE
        return Node(plain ? ScalarResolution.resolve(text) : .string(text), at: place, tag: merge)
    }
}

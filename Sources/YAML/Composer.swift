import CYAML
import Words

/// Builds nodes from libyaml's events.
///
/// It keeps its own stack, so that nesting in the text is not nesting of calls.
struct Composer {
    private struct Open {
        enum Kind { case sequence, mapping }
        let kind: Kind
        let place: Place
        let anchor: String?
        var tag: Node.MergeTag
        /// Whether tags mean nothing to Compose here: what `!override` puts in place is taken as it stands.
        let isBelowOverride: Bool
        let diagnosticsBefore: Int
        var items: [Node] = []
        var entries: [Mapping.Entry] = []
        /// The key that waits for its value; nil text for one that can't be a key, whose value is dropped.
        var key: (text: String?, place: Place)?
        /// Values of `<<`, in the order of the file.
        var merges: [Node] = []
        var mergeKey: Place?
        /// The nodes below, aliases expanded.
        var weight = 1
        /// Whether a node below asks for a removal.
        var hasReset = false
        /// Whether a mapping stands where a key should, as in `{{ .Name }}`.
        var isTemplate = false
    }

    private struct Anchor {
        var node: Node
        let weight: Int
        var hasReset: Bool
    }

    private let source: SourceText
    private let limits: Limits
    private var stack: [Open] = []
    /// Those of all documents so far: Compose's parser keeps them.
    private var anchors: [String: Anchor] = [:]
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
            if let version = event.data.document_start.version_directive?.pointee, version.minor != 1 {
                diagnostics.append(
                    Diagnostic(
                        .error, "Compose files are YAML 1.1, and this one says it is \(version.major).\(version.minor)",
                        at: place, remedy: "remove the %YAML line"))
            }
        case YAML_SCALAR_EVENT:
            let anchor = text(event.data.scalar.anchor)
            let node = scalar(event, place)
            return add(node, Anchor(node: node, weight: 1, hasReset: false), anchor, isPlainMerge: isMerge(event))
        case YAML_ALIAS_EVENT:
            return addAlias(text(event.data.alias.anchor) ?? "", place)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return open(.sequence, place, text(start.anchor), mergeTag(start.tag, place))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return open(.mapping, place, text(start.anchor), mergeTag(start.tag, place))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return close()
        default:
            break
        }
        return true
    }

    private mutating func open(_ kind: Open.Kind, _ place: Place, _ anchor: String?, _ tag: Node.MergeTag) -> Bool {
        guard stack.count < limits.depth else {
            diagnostics.append(
                Diagnostic(.error, "nesting is deeper than the \(limits.depth) levels allowed", at: place))
            return false
        }
        stack.append(
            Open(
                kind: kind, place: place, anchor: anchor, tag: tag, isBelowOverride: isBelowOverride || tag == .override,
                diagnosticsBefore: diagnostics.count))
        return true
    }

    var isBelowOverride: Bool { stack.last?.isBelowOverride == true }

    private mutating func close() -> Bool {
        guard let open = stack.popLast() else { return true }
        let node: Node
        switch open.kind {
        case .sequence:
            node = Node(.sequence(open.items), at: open.place, tag: open.tag)
        case .mapping:
            let entries = withMerges(open)
            // What a person meant is a text.
            node = open.isTemplate ? Node(.string(templateText(open.place)), at: open.place) : Node(.mapping(Mapping(entries)), at: open.place, tag: open.tag)
        }
        // What is removed may be anything.
        if open.tag == .reset { diagnostics.removeSubrange(open.diagnosticsBefore...) }
        return add(node, Anchor(node: node, weight: open.weight, hasReset: open.hasReset), open.anchor)
    }

    private mutating func addAlias(_ name: String, _ place: Place) -> Bool {
        guard var target = anchors[name] else {
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
        if target.hasReset {
            // A removal is asked for once, where it is written; for an alias the node is just not there.
            target.node = Self.withoutResets(target.node)
            target.hasReset = false
            anchors[name] = target
        }
        if isBelowOverride, target.node.tag != .none { target.node = Node(target.node.value, at: target.node.place) }
        return add(target.node, target, nil, aliasPlace: place)
    }

    /// The node without those below it that are to be removed.
    private static func withoutResets(_ node: Node) -> Node {
        switch node.value {
        case .mapping(let mapping):
            let kept = mapping.entries.filter { $0.value.tag != .reset }
            return node.with(
                .mapping(Mapping(kept.map { Mapping.Entry($0.key, at: $0.keyPlace, withoutResets($0.value)) })))
        case .sequence(let items):
            return node.with(.sequence(items.map(withoutResets)))
        default:
            return node
        }
    }

    private mutating func add(
        _ node: Node, _ details: Anchor, _ anchor: String?, isPlainMerge: Bool = false, aliasPlace: Place? = nil
    ) -> Bool {
        if let anchor { anchors[anchor] = details }
        guard !stack.isEmpty else {
            documents.append(node)
            return true
        }
        let top = stack.count - 1
        stack[top].weight += details.weight
        if details.hasReset || node.tag == .reset { stack[top].hasReset = true }
        guard stack[top].kind == .mapping else {
            // Merging knows the entries of a mapping by their keys; an entry of a list only is there or not.
            if node.tag == .none {
                stack[top].items.append(node)
            } else if node.tag == .override {
                stack[top].items.append(Node(node.value, at: node.place))
            }
            return true
        }
        if let key = stack[top].key {
            stack[top].key = nil
            if let text = key.text { stack[top].entries.append(Mapping.Entry(text, at: key.place, node)) }
        } else if let mergeKey = stack[top].mergeKey {
            stack[top].mergeKey = nil
            addMerge(node, at: aliasPlace ?? mergeKey, anchor: anchor)
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

    private mutating func addMerge(_ node: Node, at place: Place, anchor: String?) {
        let top = stack.count - 1
        // What is asked of the merge is asked of the mapping that it is merged into.
        if node.tag != .none { stack[top].tag = .override }
        guard node.tag != .reset else { return }
        switch node.value {
        case .mapping:
            stack[top].merges.append(node)
        case .sequence(let items) where items.allSatisfy { $0.mapping != nil }:
            stack[top].merges += items
        default:
            let near = anchor.map { "'&' gives a value a name, and '*' takes it: did you mean `*\($0)`?" }
            diagnostics.append(Diagnostic(.error, "`<<` must be a mapping or a list of mappings", at: place, remedy: near))
        }
    }

    private mutating func keyText(_ node: Node, at place: Place) -> String? {
        switch node.value {
        case .string(let text):
            return text
        case .integer, .unsigned, .float, .bool, .null, .timestamp:
            let text = source.line(place.line).map { line in
                String(line.dropFirst(place.column - 1).prefix { $0 != ":" && $0 != "," && $0 != "}" })
            } ?? ""
            diagnostics.append(
                Diagnostic(.error, "key \(text) is not a string", at: place, remedy: "put it in quotes: \"\(text)\""))
        case .mapping where place.column > 1 && source.line(place.line)?.dropFirst(place.column - 2).hasPrefix("{{") == true:
            let outer = stack[stack.count - 1].place
            stack[stack.count - 1].isTemplate = true
            diagnostics.append(
                Diagnostic(
                    .error, "'{{' starts a mapping in a mapping", at: outer,
                    remedy: "put the value in quotes: \"\(templateText(outer))\""))
        case .sequence, .mapping:
            diagnostics.append(Diagnostic(.error, "a key must be a string", at: place))
        }
        return nil
    }

    /// `{{ .Name }}`, as far as its line goes.
    private func templateText(_ place: Place) -> String {
        let rest = source.line(place.line)?.dropFirst(place.column - 1) ?? ""
        return rest.lastIndex(of: "}").map { String(rest[...$0]) } ?? String(rest)
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

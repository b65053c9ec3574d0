import YAML

/// The long forms of a document that still has its variables: only forms that have nothing to do with a value's type
/// change, and a text that can't be read yet stays.
struct LongForms {
    let reporter: Reporter

    func apply(_ document: Node) -> Node {
        ExternalNames(reporter: reporter).adopt(document).changingEach { kind, value in
            switch kind {
            case "services":
                value.changingEach { _, service in service.changingEach(attribute) }
            case "networks", "volumes", "secrets", "configs":
                value.changingEach { _, resource in
                    resource.changing("external") { $0.mapping == nil ? $0 : $0.with(.bool(true)) }
                }
            default:
                value
            }
        }
    }

    private func attribute(_ name: String, _ value: Node) -> Node {
        switch name {
        case "build":
            (value.string == nil ? value : object(value, "context")).changingEach(buildAttribute)
        case "depends_on":
            dependencies(value)
        case "env_file":
            list(value).changingItems { $0.string == nil ? $0 : object($0, "path") }
                .changingItems { $0.settingIfAbsent("required", .bool(true)) }
        case "label_file", "dns":
            list(value)
        case "gpus":
            value.string == nil ? value : value.with(.sequence([object(value.with(.string("all")), "count")]))
        case "networks", "models":
            names(value)
        case "volumes":
            value.changingItems { expanded($0, .volume).first ?? $0 }
        case "devices":
            value.changingItems { expanded($0, .device).first ?? $0 }
        case "ports":
            ports(value)
        case "secrets", "configs":
            value.changingItems { $0.string == nil ? $0 : object($0, "source") }
        case "develop":
            value.changing("watch") { $0.changingItems { $0.changing("ignore", list).changing("include", list) } }
        default:
            value
        }
    }

    private func buildAttribute(_ name: String, _ value: Node) -> Node {
        switch name {
        case "secrets":
            value.changingItems { $0.string == nil ? $0 : object($0, "source") }
        case "additional_contexts":
            keyValues(value)
        case "ssh":
            agents(value)
        case "provenance", "sbom":
            value.scalarText.map { value.with(.string($0)) } ?? value
        default:
            value
        }
    }

    private func object(_ node: Node, _ key: String) -> Node {
        let value = Node(node.value, at: node.place)
        return node.with(.mapping(Mapping([Mapping.Entry(key, at: node.place, value)])))
    }

    private func list(_ node: Node) -> Node {
        node.string == nil ? node : node.with(.sequence([Node(node.value, at: node.place)]))
    }

    private func names(_ node: Node) -> Node {
        guard let items = node.sequence else { return node }
        var seen: Set<String> = []
        return node.with(
            .mapping(
                Mapping(
                    items.compactMap { item in
                        guard let name = item.string, seen.insert(name).inserted else { return nil }
                        return Mapping.Entry(name, at: item.place, Node(.null, at: item.place))
                    })))
    }

    private func dependencies(_ node: Node) -> Node {
        names(node).changingEach { _, value in
            (value.isNull ? value.with(.mapping(Mapping())) : value)
                .settingIfAbsent("condition", .string("service_started")).settingIfAbsent("required", .bool(true))
        }
    }

    /// `ID` or `ID=PATH`.
    private func agents(_ node: Node) -> Node {
        guard let items = node.sequence else { return node }
        return node.with(
            .mapping(
                Mapping(
                    items.map { item in
                        let (id, path) = Text.cut(item.string ?? "", at: UInt8(ascii: "="))
                        return Mapping.Entry(id, at: item.place, item.with(path.map { .string($0) } ?? .null))
                    })))
    }

    private func keyValues(_ node: Node) -> Node {
        guard let items = node.sequence else { return node }
        var entries: [Mapping.Entry] = []
        for item in items {
            let (key, value) = Text.cut(item.string ?? "", at: UInt8(ascii: "="))
            guard let value else { return node }
            entries.append(Mapping.Entry(key, at: item.place, item.with(.string(value))))
        }
        return node.with(.mapping(Mapping(entries)))
    }

    /// All the entries in long form, or none.
    private func ports(_ node: Node) -> Node {
        guard let items = node.sequence else { return node }
        var long: [Node] = []
        for item in items {
            let entries = item.mapping == nil ? expanded(item, .port) : [item]
            if entries.isEmpty { return node }
            long += entries
        }
        return node.with(.sequence(long))
    }

    private func expanded(_ node: Node, _ form: Shape.ShortForm) -> [Node] {
        guard node.scalarText != nil else { return [node] }
        // What can't be read is no error yet: a variable's value may make it one that can.
        let problems = Reporter()
        let entries = ShortForms(problems).expand(node, form, "")
        return problems.hasErrors ? [] : entries
    }
}

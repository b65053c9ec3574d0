import JSON
import YAML

/// The resolved model in the order and form in which `docker compose config` prints it.
struct CanonicalDocument {
    /// The two forms in which Compose prints a model differ in more than their syntax.
    enum Form {
        case yaml
        /// Without models and without `x-` attributes below the top level.
        case json
    }

    var form = Form.yaml
    /// A printed model can be read back: a dollar sign is written as two.
    var escapesDollars = true

    /// The whole model: services, and of the rest what they use.
    func project(_ project: Node, name: String, services: [Mapping.Entry]) -> JSONValue {
        let used = UsedResources(services)
        var members = [JSONValue.Member("name", .string(name))]
        members.append(
            JSONValue.Member(
                "services",
                .object(
                    sorted(Mapping(services)).map { entry in
                        JSONValue.Member(entry.key, object(entry.value, ServiceAttributes.service))
                    })))
        for (kind, shape) in [
            ("networks", ProjectAttributes.network), ("volumes", ProjectAttributes.volume),
            ("secrets", ProjectAttributes.secret), ("configs", ProjectAttributes.config),
            ("models", ProjectAttributes.model),
        ] where kind != "models" || form == .yaml {
            let kept = (project[kind]?.mapping?.entries ?? []).filter { used.contains(kind, $0.key) }
            guard !kept.isEmpty else { continue }
            members.append(
                JSONValue.Member(
                    kind,
                    .object(sorted(Mapping(kept)).map { JSONValue.Member($0.key, object($0.value, shape)) })))
        }
        members += extensions(project.mapping ?? Mapping())
        return .object(members)
    }

    /// An attribute's value; nil where it says nothing and is left out.
    func value(_ node: Node, _ attribute: Attribute) -> JSONValue? {
        if node.isNull || !attribute.isPrinted { return nil }
        let value = value(node, attribute.shape)
        if attribute.keepsEmpty || !isEmpty(value, attribute.shape) { return value }
        return nil
    }

    private func value(_ node: Node, _ shape: Shape) -> JSONValue {
        switch shape {
        case .object(let object): return self.object(node, object)
        case .short(_, let inner):
            return node.mapping != nil || node.sequence != nil ? value(node, inner) : any(node)
        case .list(let inner), .oneOrList(let inner), .shortList(_, let inner):
            return .array((node.sequence ?? []).map { value($0, inner) })
        case .command, .healthTest:
            return .array((node.sequence ?? []).map(any))
        case .map(let inner, _), .namesOrMap(let inner):
            return .object(
                sorted(node.mapping ?? Mapping()).map { entry in
                    JSONValue.Member(text(entry.key), value(entry.value, inner))
                })
        case .ports: return .string(text(node.scalarText ?? ""))
        default: return any(node)
        }
    }

    private func object(_ node: Node, _ shape: ObjectShape) -> JSONValue {
        guard let mapping = node.mapping else { return any(node) }
        var found: [(index: Int, member: JSONValue.Member)] = []
        found.reserveCapacity(mapping.count)
        for entry in mapping.entries {
            guard let index = shape.index[entry.key] else { continue }
            guard let value = value(entry.value, shape.attributes[index]) else { continue }
            found.append((index, JSONValue.Member(entry.key, value)))
        }
        if found.count < shape.attributes.count, shape.hasDefaults {
            for (index, attribute) in shape.attributes.enumerated() {
                guard let absent = attribute.absent, !found.contains(where: { $0.index == index }) else { continue }
                found.append((index, JSONValue.Member(attribute.name, absent)))
            }
        }
        found.sort { $0.index < $1.index }
        let keepsExtensions = form == .yaml && shape.extensions == .kept
        return .object(found.map(\.member) + (keepsExtensions ? extensions(mapping) : []))
    }

    private func extensions(_ mapping: Mapping) -> [JSONValue.Member] {
        let entries = mapping.entries.filter { $0.key.hasPrefix("x-") }
        guard !entries.isEmpty else { return [] }
        return sorted(Mapping(entries)).map { JSONValue.Member(text($0.key), any($0.value)) }
    }

    private func any(_ node: Node) -> JSONValue {
        switch node.value {
        case .null: .null
        case .bool(let bool): .bool(bool)
        case .integer(let integer): .integer(integer)
        case .unsigned(let unsigned): JSONValue(unsigned)
        case .float(let float): .number(float)
        case .timestamp(let timestamp): .string(timestamp)
        case .string(let string): .string(text(string))
        // Compose's JSON has null for an empty list of an extension.
        case .sequence(let items): items.isEmpty && form == .json ? .null : .array(items.map(any))
        case .mapping(let mapping): .object(sorted(mapping).map { JSONValue.Member(text($0.key), any($0.value)) })
        }
    }

    private func sorted(_ mapping: Mapping) -> [Mapping.Entry] {
        guard mapping.count > 1 else { return mapping.entries }
        switch form {
        case .yaml: return mapping.entries.sorted { KeyOrder.yaml($0.key, $1.key) }
        case .json: return mapping.entries.sorted { KeyOrder.json($0.key, $1.key) }
        }
    }

    private func isEmpty(_ value: JSONValue, _ shape: Shape) -> Bool {
        switch (value, shape) {
        case (.string("0"), .bytes), (.string("0s"), .duration): return true
        default: break
        }
        return switch value {
        case .null: true
        case .bool(let bool): !bool
        case .integer(let integer): integer == 0
        case .unsigned: false
        case .number(let number): number == 0
        case .string(let string): string.isEmpty
        case .array(let items): items.isEmpty
        case .object(let members): members.isEmpty
        }
    }

    private func text(_ string: String) -> String {
        let dollar = UInt8(ascii: "$")
        guard escapesDollars, string.utf8.contains(dollar) else { return string }
        var bytes: [UInt8] = []
        for byte in string.utf8 {
            bytes.append(byte)
            if byte == dollar { bytes.append(dollar) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What of the top level the services refer to; the rest is not printed.
private struct UsedResources {
    private var keys: [String: Set<String>] = [:]

    init(_ services: [Mapping.Entry]) {
        for service in services {
            for attribute in service.value.mapping?.entries ?? [] {
                switch attribute.key {
                case "networks", "models":
                    for entry in attribute.value.mapping?.entries ?? [] { add(attribute.key, entry.key) }
                case "secrets", "configs":
                    for item in attribute.value.sequence ?? [] { add(attribute.key, item["source"]?.string) }
                case "build":
                    for item in attribute.value["secrets"]?.sequence ?? [] { add("secrets", item["source"]?.string) }
                case "volumes":
                    for item in attribute.value.sequence ?? [] where item["type"]?.string == "volume" {
                        add("volumes", item["source"]?.string)
                    }
                default: break
                }
            }
        }
    }

    private mutating func add(_ kind: String, _ key: String?) {
        if let key { keys[kind, default: []].insert(key) }
    }

    func contains(_ kind: String, _ key: String) -> Bool {
        keys[kind]?.contains(key) == true
    }
}

import YAML

/// What to do about a wrong value or an unknown attribute, in the words of a diagnostic.
extension Validation {
    /// What a value is; a text that another text might have been, itself: unless it may be a variable's value, which is
    /// nobody's to see.
    func description(_ node: Node, _ expectation: String) -> String {
        guard let text = node.string, text.utf8.count < 60,
            !node.place.source.lineBytes(node.place.line).contains(UInt8(ascii: "$"))
        else { return node.kindName }
        let isOfAnotherKind = ["a list", "a mapping", "a number", "a duration"].contains { expectation.hasPrefix($0) }
        return isOfAnotherKind ? node.kindName : "'\(text)'"
    }

    /// What to write instead of a value that is not what its shape asks for.
    func remedy(_ node: Node, _ shape: Shape) -> String? {
        switch (shape, node.value) {
        case (_, .null):
            if path.count == 2, case .key(let kind) = path[0], kind == "secrets" || kind == "configs",
                case .key(let name) = path[1]
            {
                return "say where its value comes from, for example `file: ./\(name).txt`"
            }
            return path.isEmpty ? nil : "give it a value, or remove the line"
        case (_, .timestamp):
            return "it reads as a date: put it in quotes"
        case (.object(let object), .string(let text)) where object["test"] != nil:
            return "write `test: \(text)` on the line below, indented"
        case (.string, .bool), (.string, .integer), (.string, .float):
            return node.scalarText.map { "put it in quotes: \"\($0)\"" }
        case (.duration, .integer(let number)):
            return "write it with its unit: \(number)s"
        case (.list(let inner), .mapping(let mapping)), (.shortList(_, let inner), .mapping(let mapping)):
            let example = mapping.entries.first.flatMap { entry in
                entry.value.scalarText.map { ": - \(entry.key):\(inner.object?[entry.key] != nil ? " " : "")\($0)" }
            }
            return "start each entry with '- '" + (example.map { $0.utf8.count < 60 ? $0 : "" } ?? "")
        case (.list, .string(let text)) where Self.lacksSpace(text), (.shortList, .string(let text)) where Self.lacksSpace(text),
            (.oneOrList, .string(let text)) where Self.lacksSpace(text):
            return "put a space after each '-': - \(text.dropFirst())"
        case (.keyValues(let kind), .string(let text)):
            return Self.keyValue(text, kind)
        case (.namesOrMap, .string(let text)):
            return text.utf8.count < 60 && !text.contains(" ") ? "a list is allowed: [\(text)]" : nil
        case (.object(let object), .string(let text)) where text.utf8.count < 60:
            return asMapping(text, object)
        case (.number, .string(let text)):
            return ScalarText.decimalComma(text)
        case (.text, .bool), (.rawText, .bool):
            return node.scalarText.map { "put it in quotes: \"\($0)\"" }
        case (.list(.string), .string(let text)), (.shortList, .string(let text)):
            return text.utf8.count < 60 ? "write it as a list: [\"\(text)\"]" : nil
        case (.map, .sequence), (.object, .sequence):
            return "write the entries as 'NAME: …', without '- '"
        case (.choice(let words), .string(let text)):
            return reporter.suggestion(for: text, among: words)
        default:
            return nil
        }
    }

    /// Whether a text is the first entry of a list, but for the space after its dash.
    private static func lacksSpace(_ text: String) -> Bool {
        text.hasPrefix("-") && text.utf8.count > 1 && text.utf8.count < 60 && !text.hasPrefix("--") && !text.contains("\n")
    }

    /// A variable or label that stands where all of them belong.
    private static func keyValue(_ text: String, _ kind: Shape.KeyValues) -> String? {
        // Lines without a colon are one text to YAML.
        guard let first = text.split(whereSeparator: { $0 == " " || $0 == "\n" }).first, first.utf8.count < 60 else { return nil }
        let (key, value) = Text.cut(String(first), at: UInt8(ascii: "="))
        guard let value, !key.isEmpty else { return nil }
        let what = switch kind {
        case .environment: "each variable"
        case .labels: "each label"
        }
        return "write \(what) on a line of its own, as `\(key): \(value)` or `- \(key)=\(value)`"
    }

    /// The mapping that a text probably stands for.
    private func asMapping(_ text: String, _ object: ObjectShape) -> String? {
        if object === ServiceAttributes.dependency {
            return object["condition"].flatMap { condition in
                guard case .choice(let words) = condition.shape, words.contains(text) else { return nil }
                let key = if case .key(let name)? = path.last { "\(name): " } else { "" }
                return "write `\(key){condition: \(text)}`"
            }
        }
        let attribute: String
        if object === ServiceAttributes.service {
            attribute = text.contains(" ") ? "command" : "image"
        } else if object === ProjectAttributes.secret || object === ProjectAttributes.config {
            attribute = "file"
        } else {
            return nil
        }
        return "write `\(attribute): \(text)` below it, indented"
    }

    /// What may stand there instead, where that is little.
    static func known(_ object: ObjectShape) -> String? {
        object.attributes.count > 8 ? nil : "known here: \(object.attributes.map(\.name).joined(separator: ", "))"
    }

    /// Where an attribute that is unknown here would be known.
    func belonging(_ entry: Mapping.Entry, _ path: String) -> String? {
        let isService = entry.value.mapping?.entries.contains { ServiceAttributes.service[$0.key] != nil } == true
        if path.isEmpty {
            if isService { return "put the service under `services:`, indented" }
            if ServiceAttributes.service[entry.key] != nil { return "indent it under its service" }
            return "remove it, or start its name with x-, which makes it an extension"
        }
        if entry.key == "replicas", isAt("services") { return "write it under `deploy`, or write `scale: \(entry.value.scalarText ?? "…")`" }
        if entry.key == "content", isAt("secrets") {
            return "configs have it; a secret takes `file` or `environment`, or `external` with 'stackup secret create'"
        }
        if ["subnet", "gateway", "ip_range", "aux_addresses"].contains(entry.key), path.hasPrefix("networks.") {
            return "write it under `ipam.config`, as an entry of that list: - \(entry.key): \(entry.value.scalarText ?? "…")"
        }
        if ProjectAttributes.project[entry.key] != nil { return "'\(entry.key)' belongs to the top level: indent it less" }
        if ServiceAttributes.service[entry.key] != nil { return "'\(entry.key)' is an attribute of a service: indent it less" }
        return isService ? "if it is a service, indent it less" : nil
    }

    /// Whether this is about what a section of the file names, such as a service.
    private func isAt(_ section: String) -> Bool {
        if path.count == 2, case .key(section) = path[0] { true } else { false }
    }

    /// How the first of nested variables is written.
    static func flattened(_ entry: Mapping.Entry) -> String? {
        guard let inner = entry.value.mapping?.entries.first, let text = inner.value.scalarText, text.utf8.count < 40 else {
            return nil
        }
        return "write each on its own, for example \(entry.key)_\(inner.key): \(text)"
    }
}

extension Reporter {
    /// Warns of attributes that Compose passes over where it doesn't know them.
    func adviseOfUnknown(_ node: Node, _ object: ObjectShape, _ path: String) {
        for entry in node.mapping?.entries ?? [] where object[entry.key] == nil && !entry.key.hasPrefix("x-") {
            advise(
                "unknown attribute '\(entry.key)': it is passed over", at: entry.keyPlace, attribute: "\(path).\(entry.key)",
                remedy: suggestion(for: entry.key, among: object.attributes.map(\.name)) ?? Validation.known(object))
        }
    }
}

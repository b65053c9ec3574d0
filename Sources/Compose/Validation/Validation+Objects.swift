import YAML

/// Mappings: which keys they have, and which they lack.
extension Validation {
    /// `true`, or the deprecated mapping with a name.
    mutating func checkExternal(_ node: Node) {
        guard let mapping = node.mapping else {
            if !Self.fits(node, .boolean) { wrongType(node, .external) }
            return
        }
        let isClosed = if case .key("networks") = path.first { true } else if case .key("volumes") = path.first { true } else { false }
        for entry in mapping.entries {
            if entry.key == "name" {
                below(.key("name"), at: entry.keyPlace, entry.value, .string)
            } else if isClosed, !entry.key.hasPrefix("x-") {
                unknown(entry, Self.externalName)
            }
        }
        if !isClosed { reporter.adviseOfUnknown(node, Self.externalName, pathText) }
    }

    private static let externalName = ObjectShape([attribute("name", .string)])

    func checkName(_ entry: Mapping.Entry) {
        guard !Self.isName(entry.key) else { return }
        reporter.error(
            "invalid name '\(entry.key)'", at: entry.keyPlace, attribute: "\(pathText).\(entry.key)",
            remedy: "use letters, digits, '.', '_' and '-' only")
    }

    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    mutating func checkObject(_ node: Node, _ object: ObjectShape) {
        guard let mapping = node.mapping else {
            if !(node.isNull && object.allowsNull) { wrongType(node, .object(object)) }
            return
        }
        var strays = 0
        for (index, entry) in mapping.entries.enumerated() {
            if strays > 0 { strays -= 1; continue }
            if let inner = object[entry.key]?.shape.object {
                strays = checkIndentation(index, mapping.entries) { object[$0.key] == nil && inner[$0.key] != nil }
                if strays > 0 { continue }
            }
            guard let attribute = object[entry.key] else {
                let isExtension = entry.key.hasPrefix("x-") && object.extensions != .refused
                if !object.isOpen, !isExtension { unknown(entry, object) }
                continue
            }
            if warns, case .warned(let reason) = attribute.state { warn(entry, attribute, reason) }
            check(entry, attribute)
        }
        if object.isOpen, warns { reporter.adviseOfUnknown(node, object, pathText) }
        let missing = object.required.filter { mapping[$0] == nil }
        guard !missing.isEmpty else { return }
        let path = pathText
        reporter.error(
            "\(path) lacks \(missing.map { "'\($0)'" }.joined(separator: " and "))", at: keyPlace ?? node.place, attribute: path,
            remedy: missing.lazy.compactMap { name in
                switch object[name]?.shape {
                case .choice(let words)?: return "for example `\(name): \(words[0])`"
                case .list(.string)? where name == "capabilities": return "for example `capabilities: [gpu]`"
                default: return nil
                }
            }.first)
    }

    private func unknown(_ entry: Mapping.Entry, _ object: ObjectShape) {
        let path = pathText
        reporter.error(
            "unknown attribute '\(entry.key)'", at: entry.keyPlace,
            attribute: path.isEmpty ? entry.key : "\(path).\(entry.key)",
            remedy: reporter.suggestion(for: entry.key, among: object.attributes.map(\.name)) ?? belonging(entry, path)
                ?? Self.known(object))
    }

    private func warn(_ entry: Mapping.Entry, _ attribute: Attribute, _ reason: String) {
        // What is so here anyway misleads nobody.
        guard !attribute.isSoAnyway(entry.value) else { return }
        let parent = pathText
        reporter.note(
            NoEffect.Use(
                attribute: parent.isEmpty ? entry.key : "\(parent).\(entry.key)", pattern: pattern(entry.key), owner: owner,
                place: entry.keyPlace, reason: reason))
    }

    /// The name below `services`, `volumes` and so on.
    private var owner: String {
        if path.count > 1, case .key(let name) = path[1] { name } else { "" }
    }

    /// The path of a key without the names that people chose.
    private func pattern(_ key: String) -> String {
        var text = ""
        for (index, step) in path.enumerated() {
            switch step {
            case .key(let key): text += index == 0 ? key : index == 1 ? ".*" : ".\(key)"
            case .index: text += "[]"
            }
        }
        return text.isEmpty ? key : "\(text).\(key)"
    }
}

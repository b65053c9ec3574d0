import Linux
import YAML

/// Lists whose entries have an identity: a later file's entry takes the place of an earlier one's.
enum UniqueList {
    /// `base` with what `over` redefines replaced, then what `over` adds. Within each of the two nothing is dropped:
    /// an entry that a single file has twice is that file's mistake, and is reported later.
    static func merged(_ base: [Node], _ over: [Node], by identity: Identity) -> [Node] {
        var result = base
        var places: [String: Int] = [:]
        for (index, node) in base.enumerated() {
            if let key = key(node, identity) { places[key] = index }
        }
        for node in over {
            if let key = key(node, identity), let index = places.removeValue(forKey: key) {
                result[index] = node
            } else {
                result.append(node)
            }
        }
        return result
    }

    /// nil: nothing is the same as this one.
    static func key(_ node: Node, _ identity: Identity) -> String? {
        let text = node.scalarText
        switch identity {
        case .text:
            return text.map { Text.cut($0, at: UInt8(ascii: "=")).before }
        case .volumeTarget:
            if let text { return Paths.clean(VolumeSpecification.parse(text).target) }
            return node["target"]?.string.map(Paths.clean)
        case .deviceTarget:
            if let text {
                let parts = text.split(separator: ":")
                return parts.count > 1 ? String(parts[1]) : text
            }
            return node["target"]?.string ?? node["source"]?.string
        case .fileTarget(let directory):
            guard let name = text ?? node["target"]?.string ?? node["source"]?.string else { return nil }
            return name.hasPrefix("/") ? Paths.clean(name) : directory + "/" + name
        case .port:
            if let text { return PortSpecification.identity(of: text) }
            guard let target = node["target"]?.scalarText else { return nil }
            return PortSpecification.identity(
                host: node["host_ip"]?.string ?? "", published: node["published"]?.scalarText ?? "", target: target,
                protocol: node["protocol"]?.string ?? "tcp")
        case .path:
            return text ?? node["path"]?.string
        }
    }
}

extension Node {
    /// A scalar as text, numbers and booleans as Compose prints them; nil for null, lists and mappings.
    var scalarText: String? {
        switch value {
        case .string(let string): string
        case .integer(let integer): String(integer)
        case .bool(let bool): bool ? "true" : "false"
        case .float(let float): NumberText.text(float)
        case .null, .sequence, .mapping: nil
        }
    }
}

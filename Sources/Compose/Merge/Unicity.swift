import Linux
import YAML

/// Lists whose entries have an identity: a later entry takes the place of an earlier one with the same.
///
/// It is applied twice, as Compose does: to what was merged, and to its canonical form, in which one port may have
/// become several, and different spellings are the same.
struct Unicity {
    /// The directory of the files that are laid over each other.
    let baseDirectory: String
    /// Whether `K=V` lists are looked at; where they become mappings, their keys are there once anyway.
    let coversKeyValues: Bool

    /// What makes two entries of a list the same thing.
    enum Identity: Sendable {
        /// The text up to `=`.
        case key
        /// The whole text.
        case text
        /// Where a volume is mounted.
        case volumeTarget
        case deviceTarget
        /// Where a secret or config is mounted, below a directory unless the target is given.
        case fileTarget(String)
        case port
        /// The path of an env file, seen from the directory of these files.
        case path
    }

    private static let service: [String: Identity] = [
        "cap_add": .key,
        "cap_drop": .key,
        "configs": .fileTarget(""),
        "devices": .deviceTarget,
        "dns": .key,
        "dns_opt": .key,
        "dns_search": .key,
        "env_file": .path,
        "expose": .text,
        "links": .key,
        "ports": .port,
        "profiles": .key,
        "secrets": .fileTarget("/run/secrets"),
        "tmpfs": .key,
        "volumes": .volumeTarget,
    ]

    private static let keyValues: Set<String> = ["annotations", "environment", "labels", "sysctls"]

    private static let build: [String: Identity] = ["tags": .key]
    private static let network: [String: Identity] = ["aliases": .key, "link_local_ips": .key]

    /// A document whose services have each thing once.
    func apply(_ document: Node) -> Node {
        document.changing("services") { services in
            services.changingEach { _, service in
                service.changingEach { key, value in
                    switch key {
                    case "build":
                        value.changingEach { list($1, coversKeyValues && ["args", "labels"].contains($0) ? .key : Self.build[$0]) }
                    case "deploy" where coversKeyValues:
                        value.changing("labels") { list($0, .key) }
                    case "networks":
                        value.changingEach { $1.changingEach { list($1, Self.network[$0]) } }
                    default:
                        list(value, coversKeyValues && Self.keyValues.contains(key) ? .key : Self.service[key])
                    }
                }
            }
        }
    }

    private func list(_ node: Node, _ identity: @autoclosure () -> Identity?) -> Node {
        guard let items = node.sequence, items.count > 1, let identity = identity() else { return node }
        var result: [Node] = []
        var places: [String: Int] = [:]
        for item in items {
            if let key = key(item, identity), let index = places.updateValue(result.count, forKey: key) {
                places[key] = index
                result[index] = item
            } else {
                result.append(item)
            }
        }
        return result.count == items.count ? node : node.with(.sequence(result))
    }

    /// nil: nothing is the same as this one.
    private func key(_ node: Node, _ identity: Identity) -> String? {
        let text = node.scalarText
        switch identity {
        case .key:
            return text.map { Text.cut($0, at: UInt8(ascii: "=")).before }
        case .text:
            return text
        case .volumeTarget:
            return text.map { VolumeSpecification.parse($0).target } ?? node["target"]?.string
        case .deviceTarget:
            guard let text else { return node["target"]?.string }
            let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            return parts.count > 1 ? String(parts[1]) : text
        case .fileTarget(let directory):
            return text.map { "\(directory)/\($0)" } ?? node["target"]?.string
                ?? node["source"]?.string.map { "\(directory)/\($0)" }
        case .port:
            if let text { return text }
            guard let target = node["target"]?.scalarText else { return nil }
            // A number is not the same as a text here: `published: 80` does not take the place of "80:80".
            let published = node["published"].map { "\($0.integer == nil ? "=" : "#")\($0.scalarText ?? "")" } ?? ""
            return "\(node["host_ip"]?.string ?? "0.0.0.0"):\(published):\(target)/\(node["protocol"]?.string ?? "tcp")"
        case .path:
            guard let path = node["path"] ?? (text == nil ? nil : node), let text = path.string else { return nil }
            let directory = path.place.source.baseDirectory
            guard directory != baseDirectory, !text.hasPrefix("/"), !text.hasPrefix("~") else { return text }
            return Paths.relative(Paths.join(directory, text), to: baseDirectory)
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
        case .unsigned(let unsigned): String(unsigned)
        case .float(let float): NumberText.text(float)
        case .null, .timestamp, .sequence, .mapping: nil
        }
    }
}

import JSON
import YAML

/// The canonical JSON text of what needs a recreation when it changes.
struct AttributeTexts {
    private let service: Node
    private let environment: [String: String]

    init(_ service: Node, _ environment: [String: String]) {
        self.service = service
        self.environment = environment
    }

    /// What is not in here changes in place, or is no part of what runs.
    private static let excluded: Set<String> = [
        "secrets", "configs", "scale", "depends_on", "profiles", "develop", "build", "extends", "env_file", "label_file",
        "attach", "environment",
    ]

    var all: [String: String] {
        var result: [String: String] = [:]
        for entry in service.mapping?.entries ?? [] {
            if entry.key.hasPrefix("x-") {
                // A wish about secrets is no property of what runs.
                if entry.key == "x-stackup", let text = entry.value["host-filesystem"]?.string, text == "writable" {
                    result["x-stackup.host-filesystem"] = JSONValue.string(text).serialized()
                }
                continue
            }
            guard !Self.excluded.contains(entry.key), !isImplicitNetwork(entry) else { continue }
            guard let attribute = ServiceAttributes.service[entry.key] else { continue }
            let value = entry.key == "deploy" ? withoutPlacement(entry.value) : entry.value
            guard let json = CanonicalDocument(escapesDollars: false).value(value, attribute) else { continue }
            if case .object(let members) = json, members.isEmpty { continue }
            result[entry.key] = json.serialized(escapingHTML: false)
        }
        if !environment.isEmpty {
            let members = environment.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
            result["environment"] = JSONValue.object(members).serialized(escapingHTML: false)
        }
        return result
    }

    private func isImplicitNetwork(_ entry: Mapping.Entry) -> Bool {
        guard entry.key == "networks", let networks = entry.value.mapping else { return false }
        return networks.count == 1 && networks["default"]?.isNull == true
    }

    private func withoutPlacement(_ deploy: Node) -> Node {
        guard var mapping = deploy.mapping else { return deploy }
        mapping.entries.removeAll { $0.key == "replicas" || $0.key == "labels" }
        return deploy.with(.mapping(mapping))
    }
}

import Glibc
import YAML

/// Checks what is declared against itself, whether a service uses it or not.
struct DeclarationRules {
    let reporter: Reporter

    /// - Parameter project: canonical.
    func check(_ project: Node) {
        for entry in project["volumes"]?.mapping?.entries ?? [] { checkExternal(entry) }
        for entry in project["configs"]?.mapping?.entries ?? [] {
            checkSource(entry, "configs", ["file", "environment", "content"])
        }
        for entry in project["secrets"]?.mapping?.entries ?? [] { checkSource(entry, "secrets", ["file", "environment"]) }
        for entry in project["services"]?.mapping?.entries ?? [] {
            let path = "services.\(entry.key)"
            checkPorts(entry.value["ports"], "\(path).ports")
            checkBinds(entry.value["volumes"], "\(path).volumes")
            checkDevices(entry.value["gpus"], "\(path).gpus")
            checkDevices(
                entry.value["deploy"]?["resources"]?["reservations"]?["devices"],
                "\(path).deploy.resources.reservations.devices")
        }
    }

    private func checkExternal(_ entry: Mapping.Entry) {
        guard entry.value["external"]?.bool == true else { return }
        for other in entry.value.mapping?.entries ?? []
        where !["name", "external"].contains(other.key) && !other.key.hasPrefix("x-") {
            reporter.error(
                "'external' and '\(other.key)' are mutually exclusive: whoever made the volume chose its \(other.key)",
                at: other.keyPlace, attribute: "volumes.\(entry.key).\(other.key)", remedy: "remove one of the two")
        }
    }

    /// A secret or config takes its value from one place.
    private func checkSource(_ entry: Mapping.Entry, _ kind: String, _ sources: [String]) {
        let path = "\(kind).\(entry.key)"
        guard let mapping = entry.value.mapping else { return }
        let given = mapping.entries.filter { sources.contains($0.key) }
        if given.count > 1 {
            reporter.error(
                "\(given.map(\.key).joined(separator: " and ")) are mutually exclusive", at: given[1].keyPlace, attribute: path,
                remedy: "keep one of them")
            return
        }
        let isExternal = kind == "secrets" ? mapping["external"]?.bool == true : mapping["external"] != nil
        guard !isExternal else { return }
        // What is neither true nor false has been reported.
        if let external = mapping["external"], external.bool == nil { return }
        guard let source = given.first else {
            if mapping["driver"] != nil { return }
            // A value can be made, too, which Compose knows nothing of.
            if kind == "secrets", mapping["x-stackup"]?["rotate"] != nil { return }
            // An attribute that is not known is probably what was meant, and has been reported.
            let shape = kind == "secrets" ? ProjectAttributes.secret : ProjectAttributes.config
            if mapping.entries.contains(where: { shape[$0.key] == nil && !$0.key.hasPrefix("x-") }) { return }
            let possible = kind == "secrets" ? sources + ["driver"] : sources
            reporter.error(
                "one of \(possible.joined(separator: ", ")) or external must be set", at: entry.keyPlace, attribute: path,
                remedy: "for example `file: ./\(entry.key).txt`")
            return
        }
        guard kind == "secrets", source.key == "environment", source.value.string == "" else { return }
        reporter.error(
            "must not be empty", at: source.value.place, attribute: "\(path).environment",
            remedy: "name the variable that holds the value")
    }

    private func checkPorts(_ ports: Node?, _ path: String) {
        for (index, port) in (ports?.sequence ?? []).enumerated() {
            guard let node = port["host_ip"], let text = node.string, !Self.isAddress(text) else { continue }
            reporter.error(
                "invalid ip address '\(text)'", at: node.place, attribute: "\(path)[\(index)].host_ip",
                remedy: "give an IPv4 or IPv6 address of this host, not a name")
        }
    }

    private func checkBinds(_ volumes: Node?, _ path: String) {
        for (index, volume) in (volumes?.sequence ?? []).enumerated() {
            guard let type = volume["type"], type.string == "bind", volume["source"] == nil else { continue }
            reporter.error(
                "a bind mount needs a 'source'", at: type.place, attribute: "\(path)[\(index)]",
                remedy: "name the file or directory of this host that is mounted")
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
    }

    private func checkDevices(_ devices: Node?, _ path: String) {
        for (index, device) in (devices?.sequence ?? []).enumerated() {
            guard let count = device["count"], device["device_ids"] != nil else { continue }
            reporter.error(
                "'count' and 'device_ids' are mutually exclusive", at: count.place, attribute: "\(path)[\(index)].count",
                remedy: "keep one of the two")
        }
    }
}

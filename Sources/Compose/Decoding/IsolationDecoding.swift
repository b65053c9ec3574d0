import Words
import YAML

/// Reads what a service shares with the host and with other services: namespaces and groups.
///
/// Source: the Compose specification, and Docker's checks of a container's configuration.
struct IsolationDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let node: Node
    let reporter: Reporter

    func decode(into service: inout Service) {
        service.namespaces = namespaces()
        service.groups = (node["group_add"]?.sequence ?? []).compactMap(\.scalarText)
        service.isPrivileged = node["privileged"]?.bool ?? false
        if let mode = text("userns_mode"), mode != "host" {
            refuse("userns_mode", "is '\(mode)', and there is no such mode", remedy: "write host, or leave it out")
        }
        service.wantsHostUsers = text("userns_mode") == "host"
    }

    // MARK: Namespaces

    private func namespaces() -> NamespaceOptions {
        var options = NamespaceOptions()
        switch text("ipc") {
        case nil, "private"?, "shareable"?: break
        case "none"?: options.hasSharedMemory = false
        case let mode?: options.ipc = origin(mode, "ipc", remedy: "write private, shareable, none, host or service:NAME") ?? .own
        }
        if let mode = text("pid") { options.pid = origin(mode, "pid", remedy: "write host or service:NAME, or leave it out") ?? .own }
        if let mode = text("uts"), mode != "host" {
            refuse("uts", "is '\(mode)', and there is no such mode", remedy: "write host, or leave it out")
        }
        if text("uts") == "host" {
            options.uts = .host
            if text("hostname") != nil {
                refuse("hostname", "contradicts 'uts: host', where the host's name is the service's", remedy: "remove one of the two")
            }
        }
        switch text("network_mode") {
        case nil, "host"?: break
        case "none"?: options.network = .own
        case let mode? where mode.hasPrefix("service:") || mode.hasPrefix("container:"):
            options.network = origin(mode, "network_mode", remedy: "") ?? .host
        case _?:
            reporter.note(
                NoEffect.Use(
                    attribute: "\(path).network_mode", pattern: "services.*.network_mode", owner: service,
                    place: key("network_mode"), reason: Reason.network))
        }
        return options
    }

    private func origin(_ mode: String, _ attribute: String, remedy: String) -> NamespaceOptions.Origin? {
        if mode == "host" { return .host }
        let (kind, name) = Text.cut(mode, at: UInt8(ascii: ":"))
        if kind == "service", let name, !name.isEmpty { return .service(name) }
        if kind == "container" {
            refuse(attribute, "names a container, and there are none", remedy: "name the service: service:NAME")
        } else {
            refuse(attribute, "is '\(mode)', and there is no such mode", remedy: remedy)
        }
        return nil
    }

    // MARK: Values

    private func text(_ name: String) -> String? { node[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    private func key(_ name: String) -> Place {
        node.mapping?.entries.first { $0.key == name }?.keyPlace ?? node.place
    }

    private func refuse(_ name: String, _ what: String, remedy: String) {
        reporter.obstacle("\(path).\(name) \(what)", at: node[name]?.place, attribute: "\(path).\(name)", remedy: remedy)
    }
}

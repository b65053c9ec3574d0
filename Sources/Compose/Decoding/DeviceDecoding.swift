import Linux
import YAML

/// Reads which of the host's devices a service may use.
///
/// Source: the Compose specification, and Docker's checks of a container's configuration.
struct DeviceDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let node: Node
    let reporter: Reporter

    func decode(into service: inout Service) {
        service.devices = mappings()
        service.deviceRules = rules()
        service.deviceRequests = requests(node["gpus"], "gpus", known: ["gpu"])
            + requests(node["deploy"]?["resources"]?["reservations"]?["devices"], "deploy.resources.reservations.devices", known: [])
    }

    private func mappings() -> [DeviceMapping] {
        var devices: [DeviceMapping] = []
        for (index, item) in (node["devices"]?.sequence ?? []).enumerated() {
            guard let source = item["source"]?.string else { continue }
            let permissions = item["permissions"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "rwm"
            if !source.hasPrefix("/") {
                refuse("devices", "names '\(source)', which is no path", remedy: "name the device's node, such as /dev/ttyUSB0", at: item.place)
            } else if !permissions.utf8.allSatisfy("rwm".utf8.contains) {
                refuse("devices", "has the permissions '\(permissions)'", remedy: "write some of r, w and m", at: item.place)
            } else if let target = reporter.mountTarget(item["target"]?.string ?? source, at: item["target"]?.place ?? item.place, "\(path).devices[\(index)]") {
                // The same device there changes nothing.
                if DeviceMapping.isReserved(target), Paths.clean(source) != target {
                    refuse("devices", "has the target \(target), which every service has already", remedy: "give it another target, such as /dev/NAME", at: item.place)
                }
                devices.append(DeviceMapping(source: source, target: target, permissions: permissions))
            }
        }
        return devices
    }

    private func rules() -> [DeviceRule] {
        (node["device_cgroup_rules"]?.sequence ?? []).compactMap { item in
            guard let text = item.string else { return nil }
            let rule = DeviceRule(text)
            if rule == nil {
                refuse(
                    "device_cgroup_rules", "has '\(text)', which is no rule", remedy: "write the kind, the numbers and what is allowed, such as c 189:* rwm",
                    at: item.place)
            }
            return rule
        }
    }

    // MARK: Requests

    /// Which of a driver's libraries a container gets, by NVIDIA's names, and a graphics card at all: here, the host's libraries are there.
    private static let capabilities: Set<String> = ["gpu", "nvidia", "amd", "compute", "compat32", "graphics", "utility", "video", "display", "ngx"]

    private func requests(_ list: Node?, _ attribute: String, known: [String]) -> [DeviceRequest] {
        (list?.sequence ?? []).compactMap { item in
            guard item.mapping != nil else { return nil }
            let capabilities = (item["capabilities"]?.sequence ?? []).compactMap(\.string) + known
            if let other = capabilities.first(where: { !Self.capabilities.contains($0) }) {
                refuse(
                    attribute, "asks for '\(other)', and graphics cards (gpu) are all that can be found here", remedy: "name the device's node in 'devices'",
                    at: item.place)
            } else if !capabilities.contains("gpu"), Set(capabilities).isDisjoint(with: ["nvidia", "amd"]) {
                refuse(attribute, "does not say what for", remedy: "write capabilities: [gpu]", at: item.place)
            }
            if let options = item["options"], options.mapping?.isEmpty == false {
                reporter.note(
                    NoEffect.Use(
                        attribute: "\(path).\(attribute).options", pattern: "services.*.\(attribute)[].options", owner: service, place: options.place,
                        reason: "they are for a container's runtime, and there is none"))
            }
            let count = item["count"]?.scalarText.flatMap(Int64.init) ?? -1
            if count == 0 || count < -1 {
                refuse(attribute, "asks for \(count) of them", remedy: "write how many, or all", at: item["count"]?.place ?? item.place)
            }
            return DeviceRequest(
                attribute: attribute, driver: item["driver"]?.string.flatMap { $0.isEmpty ? nil : $0 }, count: count < 0 ? nil : count,
                ids: (item["device_ids"]?.sequence ?? []).compactMap(\.string), capabilities: capabilities)
        }
    }

    private func refuse(_ name: String, _ what: String, remedy: String, at place: Place) {
        reporter.obstacle("\(path).\(name) \(what)", at: place, attribute: "\(path).\(name)", remedy: remedy)
    }
}

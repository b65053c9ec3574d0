import JSON

extension LoadedProject {
    /// The resolved model as `docker compose config --format json` prints it: the same as ``document``, but its top
    /// level sorted, and with the empty attributes that Compose's JSON always has.
    public var jsonDocument: JSONValue {
        guard case .object(let members) = document else { return document }
        let changed = members.map { member in
            switch member.name {
            case "services": JSONValue.Member(member.name, Self.each(member.value, Self.service))
            case "networks": JSONValue.Member(member.name, Self.each(member.value) { Self.with($0, "ipam", ProjectAttributes.network) })
            default: member
            }
        }
        return .object(changed.sorted { $0.name < $1.name })
    }

    private static func each(_ value: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        return .object(members.map { JSONValue.Member($0.name, change($0.value)) })
    }

    private static func service(_ value: JSONValue) -> JSONValue {
        let shape = ServiceAttributes.service
        let full = with(with(value, "command", shape, .null), "entrypoint", shape, .null)
        guard case .object(let members) = full else { return full }
        return .object(
            members.map { member in
                guard member.name == "deploy" else { return member }
                let deploy = with(with(member.value, "resources", DeployAttributes.deploy), "placement", DeployAttributes.deploy)
                return JSONValue.Member(member.name, deploy)
            })
    }

    /// With an empty attribute at its place in the order, where there is none.
    private static func with(
        _ value: JSONValue, _ name: String, _ shape: ObjectShape, _ empty: JSONValue = .object([])
    ) -> JSONValue {
        guard case .object(var members) = value, !members.contains(where: { $0.name == name }) else { return value }
        let order = shape.index[name] ?? 0
        let index = members.firstIndex { (shape.index[$0.name] ?? .max) > order } ?? members.count
        members.insert(JSONValue.Member(name, empty), at: index)
        return .object(members)
    }
}

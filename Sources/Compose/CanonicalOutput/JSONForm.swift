import JSON

extension LoadedProject {
    /// The resolved model as `docker compose config --format json` prints it: ``document`` with its top level sorted,
    /// with the empty attributes that Compose's JSON always has, and without the extensions below the top level.
    public var jsonDocument: JSONValue {
        guard case .object(let members) = document(.json) else { return .null }
        let changed = members.map { member in
            switch member.name {
            case "services": JSONValue.Member(member.name, Self.each(member.value, Self.service))
            case "networks": JSONValue.Member(member.name, Self.each(member.value, Self.network))
            default: member
            }
        }
        return .object(changed.sorted { KeyOrder.json($0.name, $1.name) })
    }

    private static func each(_ value: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        return .object(members.map { JSONValue.Member($0.name, change($0.value)) })
    }

    /// With the value of one attribute changed, where it is there.
    private static func changed(_ value: JSONValue, _ name: String, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        return .object(members.map { $0.name == name ? JSONValue.Member(name, change($0.value)) : $0 })
    }

    private static func eachItem(_ value: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        guard case .array(let items) = value else { return value }
        return .array(items.map(change))
    }

    private static func network(_ value: JSONValue) -> JSONValue {
        with(value, "ipam", ProjectAttributes.network)
    }

    private static func service(_ value: JSONValue) -> JSONValue {
        let shape = ServiceAttributes.service
        var result = with(with(value, "command", shape, .null), "entrypoint", shape, .null)
        result = changed(result, "blkio_config", deviceLimits)
        result = changed(result, "build") { changed($0, "ulimits", ulimits) }
        result = changed(result, "ulimits", ulimits)
        for hooks in ["post_start", "pre_stop"] {
            result = changed(result, hooks) { eachItem($0) { with($0, "command", BuildAttributes.hook, .null) } }
        }
        result = changed(result, "deploy") { deploy in
            with(with(deploy, "resources", DeployAttributes.deploy), "placement", DeployAttributes.deploy)
        }
        return changed(result, "develop") { develop in
            changed(develop, "watch") { watch in
                eachItem(watch) { trigger in
                    changed(with(trigger, "exec", BuildAttributes.trigger), "exec") { hook in
                        with(hook, "command", BuildAttributes.hook, .null)
                    }
                }
            }
        }
    }

    /// Limits of 0 are left out.
    private static func ulimits(_ value: JSONValue) -> JSONValue {
        each(value) { limit in
            guard case .object(let members) = limit else { return limit }
            return .object(members.filter { $0.value != .integer(0) })
        }
    }

    /// The attributes of a device, which have capitals here.
    private static func deviceLimits(_ value: JSONValue) -> JSONValue {
        each(value) { list in
            eachItem(list) { device in
                guard case .object(let members) = device else { return device }
                return .object(members.map { JSONValue.Member($0.name.prefix(1).uppercased() + $0.name.dropFirst(), $0.value) })
            }
        }
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

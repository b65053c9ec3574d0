import YAML

/// Reads `develop`.
struct WatchDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let reporter: Reporter

    func rules(_ develop: Node) -> [WatchRule] {
        (develop["watch"]?.sequence ?? []).enumerated().compactMap { index, entry in rule(entry, "develop.watch[\(index)]") }
    }

    private func rule(_ entry: Node, _ name: String) -> WatchRule? {
        guard let watched = entry["path"]?.string, let action = action(entry, name) else { return nil }
        var rule = WatchRule(path: watched, action: action)
        if action != .restart, action != .rebuild { rule.target = target(entry) }
        rule.include = (entry["include"]?.sequence ?? []).compactMap(\.string)
        rule.ignore = (entry["ignore"]?.sequence ?? []).compactMap(\.string)
        rule.isSyncedAtFirst = entry["initial_sync"]?.bool ?? false
        rule.location = entry.place.location
        return rule
    }

    private func action(_ entry: Node, _ name: String) -> WatchRule.Action? {
        switch entry["action"]?.string {
        case "sync": return .sync
        case "restart": return .restart
        case "sync+restart": return .syncAndRestart
        case "sync+exec":
            // Of no matter until there is a watch.
            guard let node = entry["exec"].map({ $0.with(.sequence([$0])) }) else { return .syncAndExecute(ServiceHook(command: [])) }
            let hooks = SupervisionDecoding(path: path, service: service, reporter: reporter).hooks(node, "\(name).exec")
            return hooks.first.map { .syncAndExecute($0) }
        case "rebuild":
            reporter.note(
                NoEffect.Use(
                    attribute: "\(path).\(name).action", pattern: "services.*.develop.watch[].action", owner: service,
                    place: entry["action"]?.place ?? entry.place, reason: "nothing is built, so nothing can be rebuilt, and `watch` refuses it"))
            return .rebuild
        default: return nil
        }
    }

    /// As the service has it: seen from its root.
    private func target(_ entry: Node) -> String? {
        guard let target = entry["target"]?.string, !target.isEmpty else { return nil }
        return target.hasPrefix("/") ? target : "/" + target
    }
}

import Words
import YAML

/// Reads how a service is supervised: health checks, hooks, and what `deploy` says of restarts.
struct SupervisionDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let reporter: Reporter

    /// - Parameter hasImage: whether there is an image that could have a test.
    /// - Returns: nil where none is to run.
    func healthCheck(_ attribute: Mapping.Entry, hasImage: Bool) -> HealthCheck? {
        let node = attribute.value
        guard node["disable"]?.bool != true else { return nil }
        let words = (node["test"]?.sequence ?? []).compactMap(\.string)
        guard let kind = words.first else {
            if hasImage { return nil }
            reporter.note(
                NoEffect.Use(
                    attribute: "\(path).healthcheck", pattern: "services.*.healthcheck", owner: service, place: attribute.keyPlace,
                    reason: "it has no `test`, and there is no image that could have one"))
            return nil
        }
        var command = Array(words.dropFirst())
        switch kind {
        case "NONE": return nil
        case "CMD": break
        case "CMD-SHELL": command = ["/bin/sh", "-c", command.joined(separator: " ")]
        // Validation has refused it.
        default: return nil
        }
        guard command.first?.isEmpty == false else {
            refuse(
                "\(path).healthcheck.test: there is no command after '\(kind)'", at: node["test"]?.place ?? attribute.keyPlace,
                "healthcheck.test", remedy: "name a program that exits with 0 where all is well")
            return nil
        }
        var check = HealthCheck(command: command)
        // Docker takes 0 for nothing written.
        if let interval = duration(node["interval"]) { check.interval = interval }
        if let timeout = duration(node["timeout"]) { check.timeout = timeout }
        if let retries = node["retries"]?.integer, retries > 0 { check.retries = Int(clamping: retries) }
        if let startPeriod = duration(node["start_period"]) { check.startPeriod = startPeriod }
        if let startInterval = duration(node["start_interval"]) { check.startInterval = startInterval }
        return check
    }

    func hooks(_ node: Node, _ name: String) -> [ServiceHook] {
        (node.sequence ?? []).compactMap { entry in
            let words = (entry["command"]?.sequence ?? []).compactMap(\.string)
            guard words.first?.isEmpty == false else {
                refuse("\(path).\(name): a hook has no command", at: entry.place, name, remedy: "give it a 'command', or remove it")
                return nil
            }
            var hook = ServiceHook(command: words)
            hook.user = entry["user"]?.string.flatMap { $0.isEmpty ? nil : $0 }
            hook.isPrivileged = entry["privileged"]?.bool ?? false
            hook.workingDirectory = entry["working_dir"]?.string.flatMap { $0.isEmpty ? nil : $0 }
            for variable in entry["environment"]?.mapping?.entries ?? [] {
                if let value = variable.value.string { hook.environment[variable.key] = value }
            }
            return hook
        }
    }

    /// `deploy.restart_policy`, whose condition holds where there is no `restart`.
    func restartPolicy(_ node: Node, into service: inout Service, restartIsWritten: Bool) {
        service.restartLimits = RestartLimits(
            delay: duration(node["delay"]), maximumAttempts: node["max_attempts"]?.integer.flatMap { $0 > 0 ? Int(clamping: $0) : nil },
            window: duration(node["window"]))
        guard !restartIsWritten else { return }
        switch node["condition"]?.string ?? "any" {
        case "none": service.restart = .no
        case "on-failure": service.restart = .onFailure(maximumRetries: nil)
        case "", "any": service.restart = .unlessStopped
        case let other:
            refuse(
                "\(path).deploy.restart_policy.condition: unknown condition '\(other)'", at: node["condition"]?.place ?? node.place,
                "deploy.restart_policy.condition", remedy: "use none, on-failure or any")
        }
    }

    private func duration(_ node: Node?) -> Duration? {
        guard let nanoseconds = node?.string.flatMap(DurationText.nanoseconds), nanoseconds > 0 else { return nil }
        return .nanoseconds(nanoseconds)
    }

    private func refuse(_ message: String, at place: Place, _ attribute: String, remedy: String) {
        reporter.obstacle(message, at: place, attribute: "\(path).\(attribute)", remedy: remedy)
    }
}

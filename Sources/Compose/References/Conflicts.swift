import YAML

/// Checks what a service says against what else it says.
///
/// Source: the Compose specification, where it calls attributes mutually exclusive, and `docker compose`, which refuses the
/// same.
struct Conflicts {
    private let service: Node
    private let path: String
    private let reporter: Reporter

    /// - Parameter entry: canonical.
    init(_ entry: Mapping.Entry, _ reporter: Reporter) {
        service = entry.value
        path = "services.\(entry.key)"
        self.reporter = reporter
    }

    func check() {
        checkBuild()
        checkNetworkMode()
        checkHealthTest()
        checkReplicas()
        checkLimits()
        checkWatch()
    }

    private func error(_ message: String, at node: Node?, _ attribute: String, remedy: String? = nil) {
        reporter.error(message, at: node?.place, attribute: "\(path).\(attribute)", remedy: remedy)
    }

    private func checkBuild() {
        guard let build = service["build"] else { return }
        if let inline = build["dockerfile_inline"], inline.string?.isEmpty == false, let file = build["dockerfile"]?.string,
            !file.isEmpty
        {
            error(
                "'dockerfile' and 'dockerfile_inline' are mutually exclusive", at: inline, "build.dockerfile_inline",
                remedy: "keep one of the two")
        }
        let platforms = (build["platforms"]?.sequence ?? []).compactMap(\.string)
        guard let node = service["platform"], let platform = node.string, !platform.isEmpty, !platforms.isEmpty,
            !platforms.contains(platform)
        else { return }
        error(
            "build.platforms must include the service's platform \"\(platform)\"", at: node, "platform",
            remedy: "add it there, or use one of \(platforms.joined(separator: ", "))")
    }

    private func checkNetworkMode() {
        guard let mode = service["network_mode"], mode.string?.isEmpty == false, let networks = service["networks"],
            networks.mapping?.isEmpty == false
        else { return }
        error(
            "'network_mode' and 'networks' are mutually exclusive", at: mode, "network_mode", remedy: "keep one of the two")
    }

    private func checkHealthTest() {
        guard let first = service["healthcheck"]?["test"]?.sequence?.first, let word = first.string,
            !["CMD", "CMD-SHELL", "NONE"].contains(word)
        else { return }
        error(
            "a test that is a list starts with CMD, CMD-SHELL or NONE, not '\(word)'", at: first, "healthcheck.test[0]",
            remedy: "put \"CMD\" before '\(word)', or write the test as one string, which a shell runs")
    }

    private func checkReplicas() {
        let (scale, deployed) = (service["scale"], service["deploy"]?["replicas"])
        if let one = scale?.integer, let other = deployed?.integer, one != other {
            error(
                "'scale' is \(one) and 'deploy.replicas' is \(other)", at: deployed, "deploy.replicas",
                remedy: "remove one of the two")
        }
        for (node, name) in [(scale, "scale"), (deployed, "deploy.replicas")] {
            if let count = node?.integer, count < 0 { error("must not be below 0, and is \(count)", at: node, name) }
        }
        guard let count = (scale ?? deployed)?.integer, count > 1, let container = service["container_name"],
            container.string?.isEmpty == false
        else { return }
        error(
            "\(count) containers cannot all have the name '\(container.string ?? "")'", at: container, "container_name",
            remedy: "remove container_name, or \(scale == nil ? "deploy.replicas" : "scale")")
    }

    /// Limits that can be given in two places.
    private func checkLimits() {
        for (name, group, other) in [
            ("cpus", "limits", "cpus"), ("mem_limit", "limits", "memory"), ("mem_reservation", "reservations", "memory"),
            ("pids_limit", "limits", "pids"),
        ] {
            guard let node = service[name], let own = node.scalarText, own != "0",
                let resources = service["deploy"]?["resources"]?[group]
            else { continue }
            let text = resources[other]?.scalarText ?? "0"
            guard own != text, Float(own) == nil || Float(own) != Float(text) else { continue }
            let place = "deploy.resources.\(group).\(other)"
            error(
                resources[other] == nil
                    ? "'\(name)' is given, and '\(place)' is not, though there are deploy.resources.\(group)"
                    : "'\(name)' and '\(place)' are given with different values",
                at: node, name, remedy: "give it in \(place) only")
        }
    }

    private func checkWatch() {
        for (index, trigger) in (service["develop"]?["watch"]?.sequence ?? []).enumerated() {
            guard let action = trigger["action"]?.string, action != "rebuild", action != "restart",
                trigger["target"]?.string ?? "" == ""
            else { continue }
            error(
                "the action \(action) needs a 'target'", at: trigger["action"], "develop.watch[\(index)]",
                remedy: "say where the files go in the container")
        }
    }
}

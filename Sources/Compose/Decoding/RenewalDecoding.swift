import Words
import YAML

/// Reads `x-stackup` of a top-level secret.
struct RenewalDecoding {
    private let path: String
    private let reporter: Reporter

    /// The shortest time between two values, in seconds.
    static let shortestPeriod: Int64 = 1
    /// Ten years: longer is a mistake, and must not overflow a time.
    static let longestPeriod: Int64 = 10 * 366 * 86_400

    private static let example = "write `x-stackup: {rotate: {every: 30d, generate: password:32}}`"

    /// - Parameter secret: the path of what has it.
    init(_ secret: String, _ reporter: Reporter) {
        path = "\(secret).x-stackup"
        self.reporter = reporter
    }

    /// - Parameter secret: the secret's mapping.
    /// - Returns: nil where it says nothing of it, or nothing that can be done.
    func renewal(of secret: Node) -> SecretRenewal? {
        guard let attribute = secret.mapping?.entries.first(where: { $0.key == "x-stackup" }) else { return nil }
        guard let mapping = mapping(attribute, path, ProjectAttributes.secretExtension) else { return nil }
        switch (mapping["rotate"], mapping["refresh"]) {
        case (let rotate?, let refresh?):
            reporter.obstacle(
                "\(path): rotate and refresh are mutually exclusive", at: refresh.place, attribute: "\(path).refresh",
                remedy: rotate.mapping == nil ? "keep one of them" : "keep 'refresh' where a driver has the value, otherwise 'rotate'")
            return nil
        case (_?, nil):
            guard let entry = mapping.entries.first(where: { $0.key == "rotate" }) else { return nil }
            return rotation(entry, of: secret)
        case (nil, let refresh?): return self.refresh(refresh, of: secret)
        case (nil, nil): return nil
        }
    }

    private func rotation(_ attribute: Mapping.Entry, of secret: Node) -> SecretRenewal? {
        let path = "\(path).rotate"
        guard let mapping = mapping(attribute, path, ProjectAttributes.secretRotation) else { return nil }
        guard let every = mapping["every"] else {
            reporter.obstacle(
                "\(path).every is missing", at: attribute.keyPlace, attribute: "\(path).every", remedy: Self.example)
            return nil
        }
        guard let period = period(every, "\(path).every") else { return nil }
        if let environment = secret["environment"] {
            reporter.obstacle(
                "\(path) has no effect on a secret that comes from the environment: each `up` would put the variable's value back",
                at: environment.place, attribute: path, remedy: "remove 'environment', or 'rotate'")
            return nil
        }
        let isGenerated = secret["driver"]?.string == "generate"
        if let driver = secret["driver"], !isGenerated {
            reporter.obstacle(
                "\(path) has no effect on a secret with a driver: each `up` would put the driver's value back", at: driver.place,
                attribute: path, remedy: "write `refresh`, which asks the driver again, instead of `rotate`")
            return nil
        }
        switch (mapping["generate"], mapping["command"]) {
        case (let node?, nil):
            return text(node, "\(path).generate").map { .rotate(every: period, .specification($0)) }
        case (nil, let node?):
            return text(node, "\(path).command").map { .rotate(every: period, .command($0)) }
        case (nil, nil):
            if isGenerated, let spec = secret["driver_opts"]?["spec"]?.string { return .rotate(every: period, .specification(spec)) }
            reporter.obstacle(
                "\(path) needs one of generate and command", at: attribute.keyPlace, attribute: path, remedy: Self.example)
            return nil
        case (_?, let command?):
            reporter.obstacle(
                "\(path): generate and command are mutually exclusive", at: command.place, attribute: "\(path).command",
                remedy: "keep one of them")
            return nil
        }
    }

    private func refresh(_ node: Node, of secret: Node) -> SecretRenewal? {
        let path = "\(path).refresh"
        guard let period = period(node, path) else { return nil }
        guard let driver = secret["driver"] else {
            reporter.obstacle(
                "\(path) is for a secret with a driver", at: node.place, attribute: path,
                remedy: "name the driver, or have a new value made: \(Self.example)")
            return nil
        }
        guard driver.string != "generate" else {
            reporter.obstacle(
                "\(path): the driver 'generate' has no value to ask for again", at: node.place, attribute: path,
                remedy: "write `rotate: {every: 30d}` for another value each time")
            return nil
        }
        return .refresh(every: period)
    }

    /// In seconds.
    private func period(_ node: Node, _ attribute: String) -> Int64? {
        guard let text = node.scalarText, let nanoseconds = DurationText.nanoseconds(text) else {
            reporter.obstacle(
                "\(attribute) must be a duration", at: node.place, attribute: attribute,
                remedy: "write a number and a unit, such as 30d, 12h or 5m")
            return nil
        }
        let seconds = nanoseconds / 1_000_000_000
        guard (Self.shortestPeriod...Self.longestPeriod).contains(seconds) else {
            reporter.obstacle(
                "\(attribute) must be between 1s and ten years", at: node.place, attribute: attribute,
                remedy: "write a number and a unit, such as 30d, 12h or 5m")
            return nil
        }
        return seconds
    }

    private func text(_ node: Node, _ attribute: String) -> String? {
        if let text = node.string, !text.isEmpty { return text }
        reporter.obstacle("\(attribute) must be a text", at: node.place, attribute: attribute, remedy: Self.example)
        return nil
    }

    private func mapping(_ attribute: Mapping.Entry, _ path: String, _ shape: ObjectShape) -> Mapping? {
        guard let mapping = attribute.value.mapping else {
            let place = attribute.value.isNull ? attribute.keyPlace : attribute.value.place
            reporter.obstacle("\(path) must be a mapping", at: place, attribute: path, remedy: Self.example)
            return nil
        }
        let names = shape.attributes.map(\.name)
        for entry in mapping.entries where shape[entry.key] == nil {
            reporter.obstacle(
                "unknown attribute '\(entry.key)'", at: entry.keyPlace, attribute: "\(path).\(entry.key)",
                remedy: reporter.suggestion(for: entry.key, among: names) ?? "it takes \(names.joined(separator: " and "))")
        }
        return mapping
    }
}

import Words
import YAML

/// Reads `x-stackup` of a top-level secret: how it comes by new values by itself.
struct RenewalDecoding {
    private let path: String
    private let reporter: Reporter

    private static let example = "rotate: {every: 30d, generate: password:32}"

    /// - Parameter secret: the path of what has it.
    init(_ secret: String, _ reporter: Reporter) {
        path = "\(secret).x-stackup"
        self.reporter = reporter
    }

    /// - Parameter secret: the secret's mapping.
    /// - Returns: nil where it says nothing of it, or nothing that can be done.
    func renewal(of secret: Node) -> SecretRenewal? {
        guard let attribute = secret.mapping?.entries.first(where: { $0.key == "x-stackup" }) else { return nil }
        let entries = ExtensionMapping(path, reporter).entries(
            attribute, ProjectAttributes.secretExtension, example: "x-stackup: {\(Self.example)}"
        ) { name in
            ServiceAttributes.grantExtension[name] == nil ? nil : "it is for services and their grants: write it there"
        }
        let rotate = entries.first { $0.key == "rotate" }
        let refresh = entries.first { $0.key == "refresh" }
        if rotate != nil, let refresh {
            reporter.obstacle(
                "rotate and refresh are mutually exclusive", at: refresh.keyPlace, attribute: path,
                remedy: "keep `refresh` where a driver has the value, otherwise `rotate`")
            return nil
        }
        return rotate.flatMap { rotation($0, of: secret) } ?? refresh.flatMap { self.refresh($0, of: secret) }
    }

    // MARK: refresh

    private func refresh(_ entry: Mapping.Entry, of secret: Node) -> SecretRenewal? {
        let path = "\(path).refresh"
        guard let period = period(entry.value, path, example: "refresh: 5m") else { return nil }
        guard secret["driver"] != nil, secret["external"]?.bool != true else {
            reporter.obstacle(
                "\(path) asks a driver for the newest value, and this secret has none", at: entry.keyPlace, attribute: path,
                remedy: "name its `driver`, or have new values made with `\(Self.example)`")
            return nil
        }
        if secret["driver"]?.string == Self.generator {
            reporter.obstacle(
                "\(path): a generator has no newest value", at: entry.keyPlace, attribute: path,
                remedy: "write `rotate: {every: \(entry.value.string ?? "30d")}`, which has it make another one")
            return nil
        }
        return .refresh(every: period)
    }

    // MARK: rotate

    /// The driver that makes values instead of asking somebody for them.
    private static let generator = "generate"

    private func rotation(_ entry: Mapping.Entry, of secret: Node) -> SecretRenewal? {
        let path = "\(path).rotate"
        let entries = ExtensionMapping(path, reporter).entries(entry, ProjectAttributes.secretRotation, example: Self.example)
        guard entry.value.mapping != nil, isPossible(secret, entry) else { return nil }
        func node(_ name: String) -> Node? { entries.first { $0.key == name }?.value }
        func lacks(_ what: String) {
            // An attribute that is not known is probably what was meant, and has been reported.
            guard entries.count == entry.value.mapping?.entries.count else { return }
            reporter.obstacle("\(path) lacks \(what)", at: entry.keyPlace, attribute: path, remedy: "for example `\(Self.example)`")
        }
        var period: Int64?
        if let every = node("every") {
            period = self.period(every, "\(path).every", example: "every: 30d")
        } else {
            lacks("'every'")
        }
        var generator: SecretRenewal.Generator?
        switch (node("generate"), node("command")) {
        case (let spec?, nil): generator = specification(spec, "\(path).generate").map(SecretRenewal.Generator.specification)
        case (nil, let command?): generator = commandLine(command, "\(path).command").map(SecretRenewal.Generator.command)
        case (nil, nil):
            if secret["driver"]?.string == Self.generator {
                generator = secret["driver_opts"]?["spec"]?.string.map(SecretRenewal.Generator.specification)
            } else {
                lacks("'generate' or 'command'")
            }
        case (_?, let command?):
            reporter.obstacle(
                "generate and command are mutually exclusive", at: command.place, attribute: "\(path).command", remedy: "keep one of them")
        }
        guard let period, let generator else { return nil }
        return .rotate(every: period, generator)
    }

    /// A secret that gets its value from elsewhere at each `up` would lose the new one again. One with a file may be sealed, which only
    /// the store knows.
    private func isPossible(_ secret: Node, _ entry: Mapping.Entry) -> Bool {
        guard secret["external"]?.bool != true else { return true }
        for (source, remedy) in [
            ("environment", "remove `environment`: then the first value is made by `rotate`, too"),
            ("driver", "let the place that the driver asks rotate it, and follow with `refresh: 5m`"),
        ] where secret[source] != nil && secret[source]?.string != Self.generator {
            reporter.obstacle(
                "\(path).rotate and \(source) are mutually exclusive: each 'up' takes the value from there", at: entry.keyPlace,
                attribute: "\(path).rotate", remedy: remedy)
            return false
        }
        return true
    }

    private func specification(_ node: Node, _ path: String) -> String? {
        if let spec = node.string, !spec.isEmpty { return spec }
        reporter.obstacle("\(path) must name a generator", at: node.place, attribute: path, remedy: "for example `generate: password:32`")
        return nil
    }

    private func commandLine(_ node: Node, _ path: String) -> String? {
        var words: [String]?
        if let text = node.string { words = try? ShellWords.split(text) }
        if let items = node.sequence {
            let texts = items.compactMap(\.string)
            if texts.count == items.count { words = texts }
        }
        if let words, words.first?.isEmpty == false { return ShellWords.joined(words) }
        reporter.obstacle(
            "\(path) must be a command line or a list of its words", at: node.place, attribute: path,
            remedy: "for example `command: ./new-password db`; no shell runs it")
        return nil
    }

    // MARK: Periods

    /// In seconds.
    private func period(_ node: Node, _ path: String, example: String) -> Int64? {
        guard let text = node.string, let nanoseconds = DurationText.nanoseconds(text) else {
            let number = node.integer ?? node.string.flatMap { Int64($0) }
            reporter.obstacle(
                "\(path) must be a duration such as 1h30m", at: node.isNull ? nil : node.place, attribute: path,
                remedy: number.map { "write it with its unit: \($0)s" } ?? "write `\(example)`; units are s, m, h, d and w")
            return nil
        }
        let seconds = nanoseconds / 1_000_000_000
        guard SecretRenewal.periods.contains(seconds) else {
            let isShort = seconds < SecretRenewal.periods.lowerBound
            reporter.obstacle(
                "\(path): \(text) is \(isShort ? "shorter than 1s" : "longer than 3650d")", at: node.place, attribute: path,
                remedy: isShort ? "write `\(example)`" : "leave it out for a value that stays until somebody changes it")
            return nil
        }
        return seconds
    }
}

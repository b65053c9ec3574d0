import YAML

/// Attributes whose values do nothing here, with one warning for each kind of them: a large file has the same ones in
/// every service.
struct NoEffect {
    /// One place where one is given.
    struct Use {
        /// The attribute's path.
        let attribute: String
        /// The path with `*` for the name of the service, or of what else is declared, and `[]` for each entry of a list.
        let pattern: String
        /// The service's name, or that of what else is declared; empty for what belongs to the project.
        let owner: String
        let place: Place
        let reason: String
    }

    private struct Kind: Hashable {
        let pattern: String
        let reason: String
    }

    /// So many names are given in a warning.
    private static let namesShown = 3

    private var uses: [Use] = []

    mutating func add(_ use: Use) {
        uses.append(use)
    }

    /// A warning for each kind, at its first place.
    ///
    /// - Parameters:
    ///   - disabled: services that don't count.
    ///   - isBefore: the order of places.
    func diagnostics(disabled: Set<String>, isBefore: (Place, Place) -> Bool) -> [Diagnostic] {
        var kinds: [Kind: Int] = [:]
        var groups: [[Use]] = []
        for use in uses where disabled.isEmpty || !use.pattern.hasPrefix("services.") || !disabled.contains(use.owner) {
            let kind = Kind(pattern: use.pattern, reason: use.reason)
            if let index = kinds[kind] {
                groups[index].append(use)
            } else {
                kinds[kind] = groups.count
                groups.append([use])
            }
        }
        return groups.map { group in Self.diagnostic(group.sorted { isBefore($0.place, $1.place) }) }
    }

    private static func diagnostic(_ uses: [Use]) -> Diagnostic {
        let first = uses[0]
        guard uses.count > 1 else {
            return Diagnostic(
                .warning, "\(first.attribute) has no effect yet: \(first.reason)", at: first.place, attribute: first.attribute)
        }
        var seen: Set<String> = []
        let owners = uses.map(\.owner).filter { seen.insert($0).inserted }
        let kind = Text.cut(first.pattern, at: UInt8(ascii: ".")).before
        let names = owners.prefix(namesShown).joined(separator: ", ") + (owners.count > namesShown ? ", …" : "")
        let scope = owners.count > 1 ? "\(owners.count) \(kind) (\(names))" : "\(uses.count) places of \(kind).\(names)"
        return Diagnostic(
            .warning, "\(first.pattern) has no effect yet in \(scope): \(first.reason)", at: first.place, attribute: first.pattern)
    }
}

import YAML

/// Takes a mapping of `x-stackup` apart. The stages before this one look at no extension, since Compose takes any.
struct ExtensionMapping {
    private let path: String
    private let reporter: Reporter

    /// - Parameter path: of the mapping.
    init(_ path: String, _ reporter: Reporter) {
        self.path = path
        self.reporter = reporter
    }

    /// The entries that are known; the others are reported.
    ///
    /// - Parameters:
    ///   - example: what a right one looks like.
    ///   - misplaced: says where an attribute belongs that is known elsewhere.
    func entries(
        _ attribute: Mapping.Entry, _ shape: ObjectShape, example: String, misplaced: (String) -> String? = { _ in nil }
    ) -> [Mapping.Entry] {
        guard let mapping = attribute.value.mapping else {
            let place = attribute.value.isNull ? attribute.keyPlace : attribute.value.place
            reporter.obstacle("\(path) must be a mapping", at: place, attribute: path, remedy: "write `\(example)`")
            return []
        }
        return mapping.entries.filter { entry in
            if shape[entry.key] != nil { return true }
            let names = shape.attributes.map(\.name)
            reporter.obstacle(
                "unknown attribute '\(entry.key)'", at: entry.keyPlace, attribute: "\(path).\(entry.key)",
                remedy: misplaced(entry.key) ?? reporter.suggestion(for: entry.key, among: names)
                    ?? "it takes \(names.joined(separator: " and "))")
            return false
        }
    }
}

import YAML

/// Lays documents over each other, as Compose does: what the earlier ones say has its canonical form when the next one
/// is merged into it.
struct Layers {
    let reporter: Reporter
    /// That of the documents' files.
    let baseDirectory: String
    /// Whether the documents still have their variables, and what they list stays a list.
    let keepsLists: Bool

    private var unicity: Unicity { Unicity(baseDirectory: baseDirectory, coversKeyValues: keepsLists) }

    /// A document over those before it, neither checked nor canonical.
    ///
    /// - Parameter keepingTags: for documents whose services are merged into what they extend.
    func merged(_ base: Node?, _ over: Node, keepingTags: Bool = false) -> Node {
        let merged = base.map { Merge(reporter: reporter, keepsTags: keepingTags, keepsLists: keepsLists).project($0, over) } ?? over
        return unicity.apply(merged.withoutTags(keepingTags: keepingTags))
    }

    func canonical(_ document: Node) -> Node {
        let named = ExternalNames(reporter: reporter).adopt(document)
        return unicity.apply(Canonical(reporter: reporter).apply(named, .object(ProjectAttributes.project), ""))
    }
}

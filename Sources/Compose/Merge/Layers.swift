import YAML

/// Lays documents over each other, as Compose does: what the earlier ones say has its canonical form when the next one
/// is merged into it.
struct Layers {
    let reporter: Reporter
    /// That of the documents' files.
    let baseDirectory: String

    private var unicity: Unicity { Unicity(baseDirectory: baseDirectory) }

    /// A document over those before it, neither checked nor canonical.
    func merged(_ base: Node?, _ over: Node) -> Node {
        let merged = base.map { Merge(reporter: reporter).project($0, over) } ?? over
        return unicity.apply(merged.withoutTags())
    }

    func canonical(_ document: Node) -> Node {
        let named = ExternalNames(reporter: reporter).adopt(document)
        return unicity.apply(Canonical(reporter: reporter).apply(named, .object(ProjectAttributes.project), ""))
    }
}

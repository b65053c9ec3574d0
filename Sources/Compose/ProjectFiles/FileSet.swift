import YAML

/// Files that are merged in order, with the directory and the variables they share: a project's, or an include's.
struct FileSet {
    let loading: SourceLoading
    let baseDirectory: String
    let environment: [String: String]
    /// The paths of the files that include this one, outermost first.
    var includedFrom: [String] = []

    /// Interpolates, includes, extends and merges the documents.
    ///
    /// - Parameter files: each file's path and its documents.
    func merged(_ files: [(path: String, documents: [Node])]) -> Node? {
        let reporter = loading.reporter
        let interpolation = Interpolation(environment: environment, reporter: reporter)
        let merge = Merge(reporter: reporter)
        var result: Node?
        for file in files {
            for document in file.documents {
                warnOfVersion(document)
                var node = interpolation.apply(document)
                node = Include(files: self, file: file.path).apply(node)
                node = Extends(node, file: file.path, loading, environment).apply()
                result = result.map { merge.project($0, node) } ?? node
            }
        }
        return result?.withoutTags()
    }

    private func warnOfVersion(_ document: Node) {
        guard let entry = document.mapping?.entries.first(where: { $0.key == "version" }) else { return }
        loading.reporter.warning(
            "the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
            at: entry.keyPlace, attribute: "version")
    }
}

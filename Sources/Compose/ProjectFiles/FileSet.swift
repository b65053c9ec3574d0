import YAML

/// Files that are merged in order, with the directory and the variables they share: a project's, or an include's.
struct FileSet {
    let loading: SourceLoading
    let baseDirectory: String
    let environment: [String: String]
    /// The paths of the files that include this one, outermost first.
    var includedFrom: [String] = []

    /// What the documents say together, in canonical form: each is interpolated, extended and included into, laid over
    /// those before it, and checked.
    ///
    /// - Parameter files: each file's path and its documents.
    func merged(_ files: [(path: String, documents: [Node])]) -> Node? {
        let layers = loading.layers(baseDirectory)
        var result: Node?
        let documents = files.flatMap { file in file.documents.map { (file.path, $0) } }
        for (index, (path, document)) in documents.enumerated() {
            warnOfVersion(document)
            var node = loading.interpolated(document, environment)
            Oversights(reporter: reporter).check(node)
            for service in node["services"]?.mapping?.entries ?? [] { Targets(service, reporter).checkGrants() }
            node = Extends(node, file: path, loading, environment).apply()
            node = Include(files: self, file: path).apply(node)
            node = layers.merged(result, node)
            // What has no effect is said once, of the outcome; what is included is looked at with what includes it.
            Validation.check(node, reporter: reporter, warns: includedFrom.isEmpty && index == documents.count - 1,
                allowsVariables: !loading.interpolates)
            node = loading.canonical(node, layers)
            reporter.silenceErrors()
            result = node
        }
        return result
    }

    private var reporter: Reporter { loading.reporter }

    private func warnOfVersion(_ document: Node) {
        guard let entry = document.mapping?.entries.first(where: { $0.key == "version" }) else { return }
        reporter.warning(
            "the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
            at: entry.keyPlace, attribute: "version")
    }
}

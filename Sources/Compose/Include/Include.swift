import Linux
import YAML

/// Brings what other files describe into a document.
///
/// Source: the Compose specification, "Include".
struct Include {
    let files: FileSet
    /// The path of the file that the document is in.
    let file: String

    private static let kinds = ["services", "networks", "volumes", "secrets", "configs", "models"]

    private var reporter: Reporter { files.loading.reporter }

    /// The document with `include` replaced by what it names; what the document says itself comes last.
    func apply(_ document: Node) -> Node {
        guard var mapping = document.mapping, let include = mapping["include"] else { return document }
        guard let items = include.sequence ?? (include.isNull ? [] : nil) else { return document }
        mapping.entries.removeAll { $0.key == "include" }
        var result = document.with(.mapping(mapping))
        for (index, item) in items.enumerated() {
            reporter.adviseOfUnknown(item, ProjectAttributes.include, "include[\(index)]")
            guard let included = load(item) else {
                if reporter.hasErrors { files.loading.lacksIncluded = true }
                continue
            }
            result = imported(included, into: result)
        }
        return result
    }

    private func load(_ item: Node) -> Node? {
        let paths = Self.texts(item.string != nil ? item : item["path"])
        guard let first = paths.first?.string, !first.isEmpty else {
            reporter.warning(
                "an entry of `include` without a `path` includes nothing", at: item.place, attribute: "include",
                remedy: "write `- path: FILE`, or remove it")
            return nil
        }
        guard !paths.contains(where: { reporter.refusesRemote($0.string ?? "", at: $0.place, attribute: "include") })
        else { return nil }
        let main = absolute(first)
        let chain = files.includedFrom + [file]
        guard !chain.contains(main) else {
            let names = (chain + [main]).map(files.loading.shownName)
            reporter.error(
                "include cycle: \(names.joined(separator: " includes "))", at: item.place, attribute: "include",
                remedy: "remove one of these includes")
            return nil
        }
        let given = item["project_directory"]?.string
        let directory = directory(given, of: main)
        var sources: [(path: String, documents: [Node])] = []
        for node in paths {
            let path = absolute(node.string ?? "")
            guard let documents = files.loading.documents(
                path, shownAs: files.loading.shownName(path), base: directory, cause: node.place,
                isAnchored: given?.hasPrefix("/") == true)
            else { return nil }
            sources.append((path, documents))
        }
        // Without its variables the rest would be wrong in ways that follow from that.
        guard let environment = environment(item, directory) else { return nil }
        let inner = FileSet(
            loading: files.loading, baseDirectory: directory, environment: environment, includedFrom: chain)
        return inner.merged(sources).map { Self.resolved($0, environment) }
    }

    /// With the values of the variables that services list by name; those that are keys of a mapping without a value
    /// take the including project's.
    private static func resolved(_ document: Node, _ environment: [String: String]) -> Node {
        document.changing("services") { services in
            services.changingEach { _, service in
                service.changing("environment") { variables in
                    guard let mapping = variables.mapping else { return variables }
                    let entries = mapping.entries.map { entry in
                        guard entry.value.isNull, entry.isListItem, let value = environment[entry.key] else { return entry }
                        return Mapping.Entry(entry.key, at: entry.keyPlace, entry.value.with(.string(value)))
                    }
                    return variables.with(.mapping(Mapping(entries)))
                }
            }
        }
    }

    private func absolute(_ path: String) -> String {
        Paths.clean(Paths.absolute(path, from: files.baseDirectory, home: files.loading.home))
    }

    /// Where an included file's paths start: in the project directory that is given for it, or in its own. Where a relative
    /// one isn't there, Compose takes the folder above.
    private func directory(_ given: String?, of file: String) -> String {
        guard let given else { return Paths.directory(of: file) }
        let directory = absolute(given)
        return given.hasPrefix("/") || FileReading.isDirectory(directory) ? directory : Paths.directory(of: directory)
    }

    private static func texts(_ node: Node?) -> [Node] {
        guard let node else { return [] }
        return (node.sequence ?? [node]).filter { $0.string != nil }
    }

    /// The including file's variables, and below them those of the include's env files; nil, with an error reported, where one of
    /// these can't be read.
    private func environment(_ item: Node, _ directory: String) -> [String: String]? {
        var envFiles = Self.texts(item["env_file"]).map { (path: absolute($0.string ?? ""), place: Optional($0.place)) }
        if envFiles.isEmpty {
            let path = Paths.join(directory, ".env")
            guard FileReading.exists(path), !FileReading.isDirectory(path) else { return files.environment }
            envFiles = [(path, nil)]
        }
        var values: [String: String] = [:]
        var isComplete = true
        for file in envFiles where file.path != "/dev/null" {
            do {
                let parsed = DotEnv.parse(
                    try files.loading.read(file.path), file: files.loading.shownName(file.path), after: values
                ) { files.environment[$0] }
                reporter.add(parsed.diagnostics)
                values.merge(parsed.values) { $1 }
            } catch {
                reporter.error(
                    "env file \(files.loading.shownName(file.path)): \(error.reason)", at: file.place, attribute: "include",
                    remedy: error.isMissing ? "create it, or correct its name" : nil)
                isComplete = false
            }
        }
        guard isComplete else { return nil }
        return values.merging(files.environment) { $1 }
    }

    private func imported(_ included: Node, into document: Node) -> Node {
        guard var target = document.mapping else { return document }
        for kind in Self.kinds {
            guard let from = included[kind]?.mapping else { continue }
            guard let index = target.entries.firstIndex(where: { $0.key == kind }) else {
                if let entry = included.mapping?.entries.first(where: { $0.key == kind }) { target.entries.append(entry) }
                continue
            }
            let old = target.entries[index]
            guard var own = old.value.mapping else { continue }
            let indexes = own.indexes()
            for entry in from.entries {
                if let index = indexes[entry.key] {
                    reportConflict(kind, own.entries[index], entry)
                } else {
                    own.entries.append(entry)
                }
            }
            target.entries[index] = Mapping.Entry(kind, at: old.keyPlace, old.value.with(.mapping(own)))
        }
        return document.with(.mapping(target))
    }

    private func reportConflict(_ kind: String, _ own: Mapping.Entry, _ included: Mapping.Entry) {
        let layers = files.loading.layers(files.baseDirectory)
        let alone = Node(.mapping(Mapping([own])), at: own.keyPlace)
        let document = Node(.mapping(Mapping([Mapping.Entry(kind, at: own.keyPlace, alone)])), at: own.keyPlace)
        // The included one is in canonical form.
        let canonical = layers.canonical(document)[kind]?[own.key] ?? own.value
        guard !complete(canonical, kind).hasSameValue(as: complete(included.value, kind)) else { return }
        let path = "\(kind).\(own.key)"
        let place = included.keyPlace
        reporter.error(
            "\(path) conflicts with the one included from \(place.source.file), line \(place.line)", at: own.keyPlace,
            attribute: path, remedy: "rename one of them, or change the included one in an override file of the include")
    }

    /// With absolute paths: `./data` is not the same in two directories.
    private func complete(_ resource: Node, _ kind: String) -> Node {
        guard kind == "services" else {
            return ResourceCompletion(loading: files.loading, projectName: "").apply(
                Node(.mapping(Mapping([Mapping.Entry("", at: resource.place, resource)])), at: resource.place))
        }
        return ServiceCompletion(loading: files.loading, environment: files.environment).defaults(resource, "")
    }
}

extension Node {
    /// Whether two nodes say the same, wherever they stand and whatever the order of their keys.
    fileprivate func hasSameValue(as other: Node) -> Bool {
        if self === other { return true }
        switch (value, other.value) {
        case (.sequence(let left), .sequence(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.hasSameValue(as: $1) }
        case (.mapping(let left), .mapping(let right)):
            return left.count == right.count
                && left.entries.allSatisfy { entry in right[entry.key].map { entry.value.hasSameValue(as: $0) } ?? false }
        case (.null, .null):
            return true
        default:
            guard let text = scalarText, let otherText = other.scalarText else { return false }
            return text == otherText && kindName == other.kindName
        }
    }
}

import Linux
import YAML

/// Puts under each service of a document the one that it extends.
///
/// Source: the Compose specification, "extends".
final class Extends {
    /// Longer chains are refused, so that a hostile file can't use up the stack.
    static let chainLimit = 64

    private struct Link: Equatable {
        let file: String
        let service: String
    }

    private let document: Node
    private let file: String
    private let loading: SourceLoading
    private let environment: [String: String]
    private let services: Mapping
    private let indexes: [String: Int]
    private var resolved: [String: Node] = [:]
    private let hasExtends: Bool

    private var reporter: Reporter { loading.reporter }

    init(_ document: Node, file: String, _ loading: SourceLoading, _ environment: [String: String]) {
        self.document = document
        self.file = file
        self.loading = loading
        self.environment = environment
        services = document["services"]?.mapping ?? Mapping()
        hasExtends = services.entries.contains { $0.value["extends"] != nil }
        indexes = services.indexes()
    }

    /// The document with every service resolved.
    func apply() -> Node {
        guard hasExtends, var mapping = document.mapping,
            let position = mapping.entries.firstIndex(where: { $0.key == "services" })
        else { return document }
        var changed = services
        for (index, entry) in services.entries.enumerated()
        where entry.value["extends"] != nil && entry.value.tag != .reset {
            guard let service = resolve(entry.key, []) else { continue }
            changed.entries[index] = Mapping.Entry(entry.key, at: entry.keyPlace, service)
        }
        let old = mapping.entries[position]
        mapping.entries[position] = Mapping.Entry(old.key, at: old.keyPlace, old.value.with(.mapping(changed)))
        return document.with(.mapping(mapping))
    }

    /// A service with what it extends; nil where there is no such service.
    private func resolve(_ name: String, _ chain: [Link]) -> Node? {
        guard let index = indexes[name] else { return nil }
        if let known = resolved[name] { return known }
        let service = services.entries[index].value
        guard let extends = service["extends"], var own = service.mapping else { return service }
        own.entries.removeAll { $0.key == "extends" }
        let result = base(extends, name, chain + [Link(file: file, service: name)]).map { base in
            Merge(reporter: reporter, keepsTags: true, keepsLists: !loading.interpolates)
                .service(base.withoutTags(), service.with(.mapping(own)), "services.\(name)")
        } ?? service
        resolved[name] = result
        return result
    }

    private func base(_ extends: Node, _ name: String, _ chain: [Link]) -> Node? {
        let path = "services.\(name).extends"
        // What isn't one of the two forms is reported when the outcome is looked at.
        guard let target = extends.string ?? extends["service"]?.string else { return nil }
        if let file = extends["file"], file.string == nil, !file.isNull {
            reporter.error(
                "\(path).file must be a string, not \(file.kindName)", at: file.place, attribute: "\(path).file",
                remedy: "name the file that has the service")
            return nil
        }
        reporter.adviseOfUnknown(extends, ServiceAttributes.extends, path)
        var other = self
        if let node = extends["file"], let text = node.string {
            guard !reporter.refusesRemote(text, at: node.place, attribute: path) else { return nil }
            let absolute = Paths.clean(Paths.absolute(text, from: node.place.source.baseDirectory, home: loading.home))
            if absolute != file {
                guard let loaded = load(absolute, node.place) else { return nil }
                other = loaded
            }
        }
        let link = Link(file: other.file, service: target)
        guard !chain.contains(link) else {
            reporter.error(
                "services.\(name) extends itself: "
                    + (chain + [link]).map(\.service).joined(separator: " extends "),
                at: extends.place, attribute: path, remedy: "remove one of these `extends`")
            return nil
        }
        guard chain.count < Self.chainLimit else {
            reporter.error(
                "\(path): the chain of `extends` is longer than the \(Self.chainLimit) allowed", at: extends.place,
                attribute: path)
            return nil
        }
        guard let base = other.resolve(target, chain) else {
            let place = extends["service"]?.place ?? extends.place
            reporter.error(
                "\(path): service \"\(target)\" not found in \(loading.shownName(other.file))", at: place, attribute: path,
                remedy: reporter.suggestion(for: target, among: other.services.entries.map(\.key)))
            return nil
        }
        return base.mapping == nil ? nil : base
    }

    private func load(_ path: String, _ cause: Place) -> Extends? {
        if let known = loading.extended[path] { return known }
        guard let documents = loading.documents(
            path, shownAs: loading.shownName(path), base: Paths.directory(of: path), cause: cause)
        else { return nil }
        let layers = loading.layers(Paths.directory(of: path))
        var merged: Node?
        for document in documents {
            let document = loading.interpolated(document, environment)
            Oversights(reporter: reporter).check(document)
            merged = loading.canonical(layers.merged(merged, document, keepingTags: true), layers)
        }
        let result = Extends(merged ?? Node(.mapping(Mapping()), at: cause), file: path, loading, environment)
        loading.extended[path] = result
        return result
    }
}

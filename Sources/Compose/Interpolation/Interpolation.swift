import YAML

/// Puts the values of variables into every string of a document, and makes of a text the type that its attribute has.
/// Keys stay as they are.
struct Interpolation {
    let environment: [String: String]
    let reporter: Reporter

    /// The document with its variables replaced.
    func apply(_ document: Node) -> Node {
        apply(document, Casts.project) { "" }
    }

    /// One text with its variables replaced.
    func text(_ node: Node) -> String? {
        node.string.map { substitute($0, node.place) { "name" } ?? $0 }
    }

    private func apply(_ node: Node, _ casts: Casts?, _ path: () -> String) -> Node {
        // What is removed has no value that matters.
        if node.tag == .reset { return node }
        switch node.value {
        case .string(let text):
            let hasVariables = text.utf8.contains(UInt8(ascii: "$"))
            guard hasVariables || casts?.cast != nil else { return node }
            guard let new = hasVariables ? substitute(text, node.place, path) : text else { return node }
            guard let cast = casts?.cast else { return node.with(.string(new)) }
            return self.cast(node, new, cast, path())
        case .sequence(let items):
            var changed: [Node]?
            let below = casts?.below("[]")
            for (index, item) in items.enumerated() {
                let new = apply(item, below) { "\(path())[\(index)]" }
                guard new !== item else { continue }
                if changed == nil { changed = items }
                changed?[index] = new
            }
            return changed.map { node.with(.sequence($0)) } ?? node
        case .mapping(let mapping):
            var changed: Mapping?
            for (index, entry) in mapping.entries.enumerated() {
                let new = apply(entry.value, casts?.below(entry.key)) {
                    let parent = path()
                    return parent.isEmpty ? entry.key : "\(parent).\(entry.key)"
                }
                guard new !== entry.value else { continue }
                if changed == nil { changed = mapping }
                changed?.entries[index] = Mapping.Entry(entry.key, at: entry.keyPlace, new)
            }
            return changed.map { node.with(.mapping($0)) } ?? node
        default:
            return node
        }
    }

    private func cast(_ node: Node, _ text: String, _ cast: Casts.Cast, _ path: String) -> Node {
        let (value, expectation): (Node.Value?, String) =
            switch cast {
            case .integer: (Int64(text).map { .integer($0) }, "a whole number")
            case .number: (Int64(text).map { .integer($0) } ?? ScalarText.number(text).map { .float($0) }, "a number")
            case .boolean: (ScalarText.boolean(text).map { .bool($0) }, "true or false")
            }
        guard let value else {
            // The text itself is not shown: a variable's value may be a secret.
            reporter.error(
                "\(path) must be \(expectation)" + (text.isEmpty ? ", and it is an empty text" : ""), at: node.place,
                attribute: path, remedy: cast == .number && node.string == text ? ScalarText.decimalComma(text) : nil)
            reporter.silence(node.place)
            return node
        }
        if case .bool(let bool) = value, !["true", "false"].contains(text.lowercased()) {
            reporter.warning(
                "\"\(text)\" for boolean is not supported by YAML 1.2, please use `\(bool)`", at: node.place,
                attribute: path)
        }
        return node.with(value)
    }

    /// nil, with an error reported, where it can't be done.
    private func substitute(_ text: String, _ place: Place, _ path: () -> String) -> String? {
        var unset: [String] = []
        do {
            let value = try Template.substitute(text, lookup: { environment[$0] }) { name, offset in
                if unset.count < 3, !unset.contains(name) { unset.append(name) }
                let message = "The \"\(name)\" variable is not set. Defaulting to a blank string."
                guard !reporter.wasGiven(message) else { return }
                reporter.warning(message, at: variablePlace(text, offset, place), attribute: path(), once: true)
            }
            reporter.noteUnset(unset, at: place)
            return value
        } catch {
            let at = variablePlace(text, error.offset, place)
            switch error {
            case .invalid:
                reporter.error(
                    "invalid interpolation format", at: at, attribute: path(),
                    remedy: "write ${NAME}, or $$ for a dollar sign")
            case .missing(let variable, let message, _):
                let reason = message.isEmpty ? "" : ": \(message)"
                reporter.error(
                    "required variable \(variable) is missing a value\(reason)", at: at, attribute: path(),
                    remedy: "set \(variable) in the environment or in .env")
            case .tooDeep:
                reporter.error(
                    "variables nest deeper than the \(Template.depthLimit) levels allowed", at: at, attribute: path())
            case .tooLong:
                reporter.error(
                    "variables make more of this than the \(Template.growthLimit) bytes allowed", at: at, attribute: path())
            }
            // The text stays as it is, and nothing more is said of it: any other error would follow from this one.
            reporter.silence(place)
            return nil
        }
    }

    /// The variable's own place; where there is already much to say, its value's, which costs no search.
    private func variablePlace(_ text: String, _ offset: Int, _ place: Place) -> Place {
        guard reporter.diagnostics.count < 100 else { return place }
        let dollar = UInt8(ascii: "$")
        return place.occurrence(text.utf8.prefix(offset).count { $0 == dollar }, of: dollar)
    }
}

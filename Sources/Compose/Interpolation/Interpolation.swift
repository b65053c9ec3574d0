import YAML

/// Puts the values of variables into every string of a document. Keys stay as they are.
struct Interpolation {
    let environment: [String: String]
    let reporter: Reporter

    func apply(_ node: Node) -> Node {
        switch node.value {
        case .string(let text):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return node }
            return node.with(.string(substitute(text, node.place)))
        case .sequence(let items):
            var changed: [Node]?
            for (index, item) in items.enumerated() {
                let new = apply(item)
                guard new !== item else { continue }
                if changed == nil { changed = items }
                changed?[index] = new
            }
            return changed.map { node.with(.sequence($0)) } ?? node
        case .mapping(let mapping):
            var changed: Mapping?
            for (index, entry) in mapping.entries.enumerated() {
                let new = apply(entry.value)
                guard new !== entry.value else { continue }
                if changed == nil { changed = mapping }
                changed?.entries[index] = Mapping.Entry(entry.key, at: entry.keyPlace, new)
            }
            return changed.map { node.with(.mapping($0)) } ?? node
        default:
            return node
        }
    }

    private func substitute(_ text: String, _ place: Place) -> String {
        do {
            return try Template.substitute(text, lookup: { environment[$0] }) { name, offset in
                let message = "The \"\(name)\" variable is not set. Defaulting to a blank string."
                guard !reporter.wasGiven(message) else { return }
                reporter.warning(message, at: variablePlace(text, offset, place), once: true)
            }
        } catch {
            let at = variablePlace(text, error.offset, place)
            switch error {
            case .invalid:
                reporter.error(
                    "invalid interpolation format", at: at,
                    remedy: "write ${NAME}, or escape a dollar sign as $$")
            case .missing(let variable, let message, _):
                let reason = message.isEmpty ? "" : ": \(message)"
                reporter.error(
                    "required variable \(variable) is missing a value\(reason)", at: at,
                    remedy: "set \(variable) in the environment or in .env")
            case .tooDeep:
                reporter.error(
                    "variables nest deeper than the \(Template.depthLimit) levels allowed", at: at)
            }
            // The text stays as it is, and nothing more is said of it: any other error would follow from this one.
            reporter.silence(place)
            return text
        }
    }

    /// The variable's own place; where there is already much to say, its value's, which costs no search.
    private func variablePlace(_ text: String, _ offset: Int, _ place: Place) -> Place {
        guard reporter.diagnostics.count < 100 else { return place }
        let dollar = UInt8(ascii: "$")
        return place.occurrence(text.utf8.prefix(offset).count { $0 == dollar }, of: dollar)
    }
}

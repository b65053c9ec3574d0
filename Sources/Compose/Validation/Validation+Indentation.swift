import YAML

/// Attributes that stand beside the key that they belong under: a classic, and one mistake, however many lines it takes.
extension Validation {
    /// Reports an entry without a value whose attributes follow it.
    ///
    /// - Parameter isStray: whether an entry belongs under it.
    /// - Returns: how many of the next entries were reported with it.
    func checkIndentation(
        _ index: Int, _ entries: [Mapping.Entry], _ isStray: (Mapping.Entry) -> Bool
    ) -> Int {
        let entry = entries[index]
        guard entry.value.isNull else { return 0 }
        let strays = entries[(index + 1)...].prefix { next in
            next.keyPlace.source === entry.keyPlace.source && next.keyPlace.column == entry.keyPlace.column
                && next.keyPlace.line > entry.keyPlace.line && isStray(next)
        }
        guard let first = strays.first, let last = strays.last else { return 0 }
        for stray in strays { reporter.silence(stray.keyPlace) }
        let (start, end) = (first.keyPlace.line, Self.lastLine(last.value, from: last.keyPlace.line))
        let parent = pathText
        let path = parent.isEmpty ? entry.key : "\(parent).\(entry.key)"
        reporter.error(
            "\(path) is empty, and what belongs to it stands beside it", at: entry.keyPlace, attribute: path,
            remedy: "indent \(start == end ? "line \(start)" : "lines \(start)-\(end)") under '\(entry.key)'")
        return strays.count
    }

    /// Whether an entry of a mapping of objects is rather an attribute of the object before it.
    static func isStray(_ entry: Mapping.Entry, of object: ObjectShape) -> Bool {
        guard object[entry.key] != nil else { return false }
        switch entry.value.value {
        case .null: return false
        case .mapping(let mapping):
            // A service may have the name of an attribute.
            return object === ServiceAttributes.service
                && !mapping.entries.contains { ["image", "build", "command", "extends"].contains($0.key) }
        default: return true
        }
    }

    private static func lastLine(_ node: Node, from line: Int) -> Int {
        let last = max(line, node.place.line)
        switch node.value {
        case .mapping(let mapping): return mapping.entries.reduce(last) { lastLine($1.value, from: max($0, $1.keyPlace.line)) }
        case .sequence(let items): return items.reduce(last) { lastLine($1, from: $0) }
        default: return last
        }
    }
}

extension Shape {
    /// The mapping that it is in its long form.
    var object: ObjectShape? {
        switch self {
        case .object(let object): object
        case .short(_, let inner): inner.object
        default: nil
        }
    }
}

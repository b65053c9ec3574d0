import Words
import YAML

/// What is asked of an attribute's value beyond its shape.
///
/// Source: the Compose specification's JSON schema, and where that is wider, what `docker compose` does with the value.
enum AttributeRule: Sendable {
    /// The kinds of scalars that are allowed, where they are fewer or more than the shape has.
    case kinds(Kinds)
    /// A number within limits.
    case within(ClosedRange<Int64>)
    /// A number without a fraction.
    case whole
    /// Numbers in a list are whole.
    case wholeNumbers
    /// Names in a mapping need no value.
    case emptyValues
    /// A list has each entry once.
    case distinct
    /// A text is not empty.
    case filled
    /// Every entry of a list is `KEY=VALUE`; in a mapping every value is a text.
    case pairs
    /// Every entry of a list is `ID=PATH`, or the one word.
    case pairsOr(String)
    /// One of the policies for pulling images, or a text with one in it, as Compose has it.
    case pullPolicy
    /// A text with a name for a container in it, as Compose has it.
    case containerName

    /// Kinds of scalars.
    struct Kinds: OptionSet, Sendable {
        let rawValue: Int
        static let string = Kinds(rawValue: 1)
        static let boolean = Kinds(rawValue: 2)
        static let integer = Kinds(rawValue: 4)
        static let float = Kinds(rawValue: 8)
        static let number: Kinds = [.integer, .float]

        func contains(_ node: Node) -> Bool {
            switch node.value {
            case .string: contains(.string)
            case .bool: contains(.boolean)
            case .integer, .unsigned: contains(.integer)
            case .float: contains(.float)
            default: false
            }
        }
    }

    struct Problem {
        /// The end of `services.web.scale … `.
        let message: String
        var remedy: String?
        /// The entry of a list that is meant.
        var index: Int?
        var place: Place
    }

    /// What is wrong with a value that has its shape.
    func problem(_ node: Node) -> Problem? {
        switch self {
        case .kinds, .emptyValues:
            return nil
        case .within(let range):
            return outside(range, node)
        case .whole:
            guard let number = Self.number(node), number != number.rounded() else { return nil }
            return Problem(message: "must be a whole number, not \(node.scalarText ?? "")", place: node.place)
        case .wholeNumbers:
            let index = node.sequence?.firstIndex { if case .float = $0.value { true } else { false } }
            guard let index, let item = node.sequence?[index] else { return nil }
            return Problem(message: "must be a string or a whole number", index: index, place: item.place)
        case .distinct:
            return repeated(node.sequence ?? [])
        case .filled:
            return node.string == "" ? Problem(message: "must not be empty", place: node.place) : nil
        case .pairs:
            return unpaired(node, allowed: nil)
        case .pairsOr(let word):
            return unpaired(node, allowed: word)
        case .pullPolicy:
            guard let text = node.string, !Self.hasPullPolicy(text) else { return nil }
            return Problem(
                message: "must be one of \(Self.pullPolicies.joined(separator: ", ")), or every_ with a time such as every_12h",
                remedy: Spelling.suggestion(for: text, among: Self.pullPolicies), place: node.place)
        case .containerName:
            guard let text = node.string, !Self.hasContainerName(text) else { return nil }
            return Problem(
                message: "must be at least two letters, digits, '_', '.' or '-', and start with a letter or digit",
                place: node.place)
        }
    }

    private static func hasContainerName(_ text: String) -> Bool {
        let isAlphanumeric: (UInt8) -> Bool = { (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) }
        return zip(text.utf8, text.utf8.dropFirst()).contains { first, second in
            isAlphanumeric(first) && (isAlphanumeric(second) || "_.-".utf8.contains(second))
        }
    }

    private static let pullPolicies = ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"]

    private static func hasPullPolicy(_ text: String) -> Bool {
        if pullPolicies.contains(where: { text.contains(part: $0) }) { return true }
        let bytes = Array(text.utf8)
        let every = Array("every_".utf8)
        return bytes.indices.contains { start in
            guard bytes[start...].starts(with: every) else { return false }
            let time = bytes[start...].dropFirst(every.count)
            let digits = time.prefix { (0x30...0x39).contains($0) }
            return !digits.isEmpty && time.dropFirst(digits.count).first.map { "wdhms".utf8.contains($0) } == true
        }
    }

    private func outside(_ range: ClosedRange<Int64>, _ node: Node) -> Problem? {
        guard let number = Self.number(node) else { return nil }
        guard number < Double(range.lowerBound) || number > Double(range.upperBound) else { return nil }
        let limits = range.upperBound == .max
            ? "must be at least \(range.lowerBound)" : "must be from \(range.lowerBound) to \(range.upperBound)"
        return Problem(message: "\(limits), not \(node.scalarText ?? "")", place: node.place)
    }

    private static func number(_ node: Node) -> Double? {
        switch node.value {
        case .integer(let integer): Double(integer)
        case .unsigned(let unsigned): Double(unsigned)
        case .float(let float): float
        case .string(let text): Double(text)
        default: nil
        }
    }

    private func repeated(_ items: [Node]) -> Problem? {
        guard items.count > 1 else { return nil }
        var first: [String: Int] = [:]
        for (index, item) in items.enumerated() {
            guard let text = item.scalarText else { continue }
            guard let other = first.updateValue(index, forKey: "\(item.kindName) \(text)") else { continue }
            return Problem(
                message: "repeats '\(text)', the entry at line \(items[other].place.line)", remedy: "remove one of the two",
                index: index, place: item.place)
        }
        return nil
    }

    private func unpaired(_ node: Node, allowed: String?) -> Problem? {
        for (index, item) in (node.sequence ?? []).enumerated() {
            guard let text = item.string, text != allowed, !text.utf8.contains(UInt8(ascii: "=")) else { continue }
            return Problem(
                message: "must be NAME=VALUE" + (allowed.map { " or '\($0)'" } ?? "") + ", not '\(text)'", index: index,
                place: item.place)
        }
        guard allowed == nil else { return nil }
        for entry in node.mapping?.entries ?? [] where entry.value.string == nil {
            return Problem(message: "needs a string for '\(entry.key)'", place: entry.value.place)
        }
        return nil
    }
}

extension AttributeRule.Kinds {
    /// For `… must be a string or a number`.
    var expectation: String {
        var names: [String] = []
        if contains(.string) { names.append("a string") }
        if contains(.float) { names.append("a number") } else if contains(.integer) { names.append("a whole number") }
        if contains(.boolean) { names.append("true or false") }
        return names.joined(separator: names.count == 2 && !contains(.boolean) ? " or " : ", ")
    }
}

extension Attribute {
    /// The attribute with one more rule.
    func with(_ rule: AttributeRule) -> Attribute {
        var changed = self
        changed.rules.append(rule)
        return changed
    }
}

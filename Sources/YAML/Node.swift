/// One value of a YAML document, which knows where it was written.
///
/// Nodes never change, so aliases share them and stages of a pipeline keep what they leave alone.
public final class Node: Sendable {
    public enum Value: Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        /// A whole number above `Int64.max`.
        case unsigned(UInt64)
        case float(Double)
        /// A point in time, in RFC 3339 form.
        case timestamp(String)
        case string(String)
        case sequence([Node])
        case mapping(Mapping)
    }

    /// What a tag asks for when files are merged.
    public enum MergeTag: Sendable {
        case none
        /// `!reset`: the attribute is removed.
        case reset
        /// `!override`: the attribute replaces what was there, unmerged.
        case override
    }

    public let value: Value
    public let place: Place
    public let tag: MergeTag

    public init(_ value: Value, at place: Place, tag: MergeTag = .none) {
        self.value = value
        self.place = place
        self.tag = tag
    }

    /// The same place and tag with another value.
    public func with(_ value: Value) -> Node {
        Node(value, at: place, tag: tag)
    }

    public var location: SourceLocation { place.location }

    public var string: String? {
        if case .string(let string) = value { string } else { nil }
    }

    public var sequence: [Node]? {
        if case .sequence(let nodes) = value { nodes } else { nil }
    }

    public var mapping: Mapping? {
        if case .mapping(let mapping) = value { mapping } else { nil }
    }

    public var bool: Bool? {
        if case .bool(let bool) = value { bool } else { nil }
    }

    public var integer: Int64? {
        if case .integer(let integer) = value { integer } else { nil }
    }

    public var isNull: Bool {
        if case .null = value { true } else { false }
    }

    /// The value under a key of a mapping; nil for anything else.
    public subscript(key: String) -> Node? {
        if case .mapping(let mapping) = value { mapping[key] } else { nil }
    }
}

/// The entries of a mapping, in the order of the file, each key once.
public struct Mapping: Sendable {
    public struct Entry: Sendable {
        public let key: String
        public let keyPlace: Place
        public let value: Node

        public init(_ key: String, at keyPlace: Place, _ value: Node) {
            self.key = key
            self.keyPlace = keyPlace
            self.value = value
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// Found by walking the entries: right for an attribute of a service, not for one of a thousand services.
    public subscript(key: String) -> Node? {
        for entry in entries where entry.key == key { return entry.value }
        return nil
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// Each key's index, for many look-ups.
    public func indexes() -> [String: Int] {
        var result: [String: Int] = [:]
        result.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() { result[entry.key] = index }
        return result
    }
}

import JSON

/// What an output template can show: a document whose parts know whether a name that is not there is a mistake.
public enum TemplateValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case string(String)
    case list([TemplateValue])
    /// Members with fixed names: to ask for another one is a mistake in the template.
    case record([Member])
    /// Members that somebody named, such as labels: one that isn't there is only absent.
    case map([Member])
    /// What takes a word, such as `.Label "key"`; no part of the document as JSON.
    case lookup(@Sendable (String) -> String)
    /// Nothing: shown as `<no value>`, and no part of the document as JSON.
    case absent

    /// One name and value.
    public struct Member: Sendable {
        public let name: String
        public let value: TemplateValue

        public init(_ name: String, _ value: TemplateValue) {
            self.name = name
            self.value = value
        }
    }

    /// A map of texts, in the order of their names.
    public init(_ texts: [String: String]) {
        self = .map(texts.sorted { $0.key < $1.key }.map { Member($0.key, .string($0.value)) })
    }
}

extension TemplateValue {
    /// The document without what only templates can use.
    public var json: JSONValue {
        switch self {
        case .null, .lookup, .absent: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .string(let value): .string(value)
        case .list(let elements): .array(elements.map(\.json))
        case .record(let members), .map(let members):
            .object(members.filter(\.value.isInJSON).map { JSONValue.Member($0.name, $0.value.json) })
        }
    }

    private var isInJSON: Bool {
        switch self {
        case .lookup, .absent: false
        default: true
        }
    }

    /// The document with every text in it made harmless: see ``sanitizedForTerminal(_:)``.
    func sanitized() -> TemplateValue {
        switch self {
        case .string(let text): .string(sanitizedForTerminal(text))
        case .list(let elements): .list(elements.map { $0.sanitized() })
        case .record(let members): .record(members.map { Member($0.name, $0.value.sanitized()) })
        case .map(let members): .map(members.map { Member(sanitizedForTerminal($0.name), $0.value.sanitized()) })
        case .lookup(let find): .lookup { sanitizedForTerminal(find($0)) }
        case .null, .bool, .integer, .absent: self
        }
    }

    /// What `if` makes of it: nothing, zero and whatever is empty count as false.
    var isTrue: Bool {
        switch self {
        case .null, .absent: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let elements): !elements.isEmpty
        case .map(let members): !members.isEmpty
        case .record, .lookup: true
        }
    }

    /// As Go's `%v` writes it: `[a b]`, `map[key:value]`, `{a b}`.
    var text: String {
        switch self {
        case .null: "<nil>"
        case .absent: "<no value>"
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .string(let value): value
        case .list(let elements): "[" + elements.map(\.text).joined(separator: " ") + "]"
        case .record(let members):
            "{" + members.filter(\.value.isInJSON).map(\.value.text).joined(separator: " ") + "}"
        case .map(let members): "map[" + members.map { "\($0.name):\($0.value.text)" }.joined(separator: " ") + "]"
        case .lookup: ""
        }
    }

    /// For messages.
    var kind: String {
        switch self {
        case .null, .absent: "nothing"
        case .bool: "true or false"
        case .integer: "a number"
        case .string: "text"
        case .list: "a list"
        case .record, .map: "a group of fields"
        case .lookup: "a field that needs a word"
        }
    }
}

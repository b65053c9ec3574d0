import JSON
import YAML

/// What an attribute's value may look like, and so how it is brought into its one canonical form.
indirect enum Shape: Sendable {
    case string
    /// A string or a number, kept as text.
    case text
    /// A string or a number that is printed as text; which of the two it is matters when files are merged.
    case rawText
    case choice([String])
    /// `true`, `false`, or a text that says so.
    case boolean
    /// A whole number, or a text that is one.
    case integer
    /// A number of which the whole part counts, or a text that is a whole number.
    case wholePart
    /// A number, or a text that is one.
    case number
    /// A number of bytes, or a text such as `64m`.
    case bytes
    /// A text such as `1m30s`.
    case duration
    /// Permission bits: a number, or a text of octal digits. Canonical is the text.
    case fileMode
    /// Permission bits whose canonical form is the number.
    case modeNumber
    /// How many devices: a number, or `all`. Canonical is the number, -1 for all.
    case deviceCount
    /// Whatever it is, it is kept.
    case any
    case list(Shape)
    /// One value stands for a list of one.
    case oneOrList(Shape)
    /// A text that is split as a shell splits words, or a list.
    case command
    /// A health check's test: a text for the shell, or a list.
    case healthTest
    /// `K=V` texts or a mapping.
    case keyValues(KeyValues)
    /// `HOST=ADDRESS` texts or a mapping.
    case hosts
    /// A mapping whose keys the person chooses.
    case map(Shape, keys: KeyRule = .any)
    /// A mapping to texts, each of which may be a list.
    case multipleTexts
    /// A mapping, or a list of its keys.
    case namesOrMap(Shape)
    case object(ObjectShape)
    /// A scalar that stands for the object.
    case short(ShortForm, Shape)
    /// A list of objects, each of which has a short form; one short form may stand for several.
    case shortList(ShortForm, Shape)
    /// `true`, or the deprecated mapping with a name.
    case external

    enum KeyValues: Sendable {
        /// A key without a value takes the caller's.
        case environment
        /// A key without a value has an empty one.
        case labels
    }

    enum KeyRule: Sendable {
        case any
        /// `[a-zA-Z0-9._-]+`
        case resourceName
        /// The same, and what stands under another name is not looked at.
        case uncheckedName
    }

    enum ShortForm: Sendable {
        /// A text is the value of this attribute.
        case attribute(String)
        case volume, port, device, ulimit, gpus, envFile
    }

    /// For `… must be a list`.
    var expectation: String {
        switch self {
        case .string: "a string"
        case .duration: "a duration such as 1m30s"
        case .text, .rawText: "a string or a number"
        case .deviceCount: "`all` or a number"
        case .choice(let words): "one of \(words.filter { !$0.isEmpty }.joined(separator: ", "))"
        case .boolean, .external: "true or false"
        case .integer: "a whole number"
        case .wholePart, .number: "a number"
        case .bytes: "a size such as 64m"
        case .fileMode, .modeNumber: "permission bits such as 0440"
        case .any: "a value"
        case .list, .shortList: "a list"
        case .oneOrList, .command, .healthTest: "a string or a list of strings"
        case .keyValues, .hosts, .namesOrMap: "a mapping or a list of strings"
        case .map, .multipleTexts, .object: "a mapping"
        case .short(.ulimit, _): "a whole number or a mapping"
        case .short(.gpus, _): "`all` or a list"
        case .short: "a string or a mapping"
        }
    }

    /// Whether an attribute without a value is allowed.
    var allowsNull: Bool {
        switch self {
        case .any, .command: true
        default: false
        }
    }
}

/// The attributes of one kind of mapping.
final class ObjectShape: Sendable {
    /// In the order in which Compose prints them.
    let attributes: [Attribute]
    let index: [String: Int]
    /// The names of those that have to be there.
    let required: [String]
    /// Whether the mapping may be there without any value.
    let allowsNull: Bool
    /// Whether attributes that aren't listed are passed over, with a warning.
    let isOpen: Bool
    let extensions: Extensions
    /// Whether some attribute is printed where it is missing.
    let hasDefaults: Bool

    /// What becomes of `x-` attributes.
    enum Extensions {
        case kept, dropped, refused
    }

    init(_ attributes: [Attribute], allowsNull: Bool = false, isOpen: Bool = false, extensions: Extensions = .kept) {
        self.attributes = attributes
        self.allowsNull = allowsNull
        self.isOpen = isOpen
        self.extensions = extensions
        hasDefaults = attributes.contains { $0.absent != nil }
        var index: [String: Int] = [:]
        for (position, attribute) in attributes.enumerated() { index[attribute.name] = position }
        self.index = index
        required = attributes.filter(\.isRequired).map(\.name)
    }

    subscript(name: String) -> Attribute? {
        index[name].map { attributes[$0] }
    }
}

/// One attribute: its name, its shape, and what becomes of it.
struct Attribute: Sendable {
    let name: String
    let shape: Shape
    var state = AttributeState.supported
    var isRequired = false
    /// Printed even when it is false, zero or empty.
    var keepsEmpty = false
    /// What is printed where it is missing.
    var absent: JSONValue?
    /// Whether it is printed at all: Compose drops some that it knows.
    var isPrinted = true
    /// Values that say what is so here anyway, though it has no effect.
    var alike: @Sendable (Node) -> Bool = { $0.bool == false }
    /// What is asked of its value besides.
    var rules: [AttributeRule] = []

    /// The kinds of scalars that its value may be, where a rule names them.
    var kinds: AttributeRule.Kinds? {
        for case .kinds(let kinds) in rules { return kinds }
        return nil
    }

    /// Whether a value changes nothing, here or anywhere, or says what is so here anyway.
    func isSoAnyway(_ node: Node) -> Bool {
        switch node.value {
        case .null: true
        case .sequence(let items) where items.isEmpty: true
        case .mapping(let mapping) where mapping.isEmpty: true
        case .string(""): true
        default: alike(node)
        }
    }

    /// Whether names in its mapping need no value.
    var allowsEmptyValues: Bool {
        rules.contains { if case .emptyValues = $0 { true } else { false } }
    }
}

/// What stackup does with an attribute.
public enum AttributeState: Sendable, Equatable {
    /// It works.
    case supported
    /// It is read and kept, and needs nothing more; the text says why.
    case accepted(String)
    /// It is read and kept, but has no effect yet; a warning gives this reason.
    case warned(String)
}

func attribute(
    _ name: String, _ shape: Shape, required: Bool = false, keep: Bool = false, absent: JSONValue? = nil
) -> Attribute {
    Attribute(name: name, shape: shape, isRequired: required, keepsEmpty: keep || absent != nil, absent: absent)
}

/// An attribute without effect, with the reason that completes `has no effect yet: …`.
func idle(_ name: String, _ shape: Shape, _ reason: String, keep: Bool = false, printed: Bool = true) -> Attribute {
    Attribute(name: name, shape: shape, state: .warned(reason), keepsEmpty: keep, isPrinted: printed)
}

extension Attribute {
    /// An attribute without effect of which these texts say what is so here anyway.
    func alike(_ words: String...) -> Attribute {
        alike(where: { node in node.string.map(words.contains) ?? false })
    }

    /// An attribute without effect of which some values say what is so here anyway.
    func alike(where isSo: @escaping @Sendable (Node) -> Bool) -> Attribute {
        var changed = self
        changed.alike = isSo
        return changed
    }
}

func accepted(_ name: String, _ shape: Shape, _ reason: String, keep: Bool = false) -> Attribute {
    Attribute(name: name, shape: shape, state: .accepted(reason), keepsEmpty: keep)
}

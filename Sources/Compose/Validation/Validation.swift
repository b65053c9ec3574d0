import YAML

/// Checks a merged document against the attribute table: unknown attributes, wrong types, missing ones, and
/// attributes without effect.
struct Validation {
    private let reporter: Reporter
    private let warns: Bool
    private let allowsVariables: Bool
    private var path: [Step] = []

    private enum Step {
        case key(String)
        case index(Int)
    }

    private init(_ reporter: Reporter, warns: Bool, allowsVariables: Bool) {
        self.reporter = reporter
        self.allowsVariables = allowsVariables
        self.warns = warns
    }

    /// - Parameters:
    ///   - warns: whether attributes without effect are reported as well as errors.
    ///   - allowsVariables: whether a text with variables may be a value of any type.
    static func check(
        _ document: Node, _ shape: ObjectShape = ProjectAttributes.project, reporter: Reporter, warns: Bool = true,
        allowsVariables: Bool = false
    ) {
        var validation = Validation(reporter, warns: warns, allowsVariables: allowsVariables)
        validation.check(document, .object(shape))
    }

    private var pathText: String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    private mutating func below(_ step: Step, _ node: Node, _ shape: Shape) {
        path.append(step)
        check(node, shape)
        path.removeLast()
    }

    private func wrongType(_ node: Node, _ shape: Shape) {
        if allowsVariables, node.string?.utf8.contains(UInt8(ascii: "$")) == true { return }
        let path = pathText
        let remedy: String? =
            switch node.value {
            case .null where !path.isEmpty: "give it a value, or remove the line"
            case .timestamp: "it reads as a date: put it in quotes"
            default: nil
            }
        reporter.error(
            "\(path.isEmpty ? "the file" : path) must be \(shape.expectation)", at: node.place, attribute: path,
            remedy: remedy)
    }

    private mutating func check(_ node: Node, _ shape: Shape) {
        switch shape {
        case .any:
            return
        case .string, .text, .ports, .deviceCount, .choice, .boolean, .integer, .wholePart, .number, .bytes, .duration, .fileMode,
            .modeNumber:
            if !Self.fits(node, shape) { wrongType(node, shape) }
        case .list(let inner), .set(let inner), .shortList(_, let inner):
            guard let items = node.sequence else { return wrongType(node, shape) }
            if case .set = shape { checkDistinct(items) }
            for (index, item) in items.enumerated() {
                if case .shortList(let form, _) = shape, item.mapping == nil {
                    checkShortEntry(item, form, index)
                } else {
                    below(.index(index), item, inner)
                }
            }
        case .oneOrList(let inner):
            if let items = node.sequence {
                checkDistinct(items)
                for (index, item) in items.enumerated() { below(.index(index), item, inner) }
            } else if !Self.fits(node, inner) {
                wrongType(node, shape)
            }
        case .command, .healthTest:
            if let items = node.sequence {
                for (index, item) in items.enumerated() { below(.index(index), item, .string) }
            } else if node.string == nil, !(node.isNull && shape.allowsNull) {
                wrongType(node, shape)
            }
        case .keyValues, .hosts:
            if case .hosts = shape { checkDistinct(node.sequence ?? []) }
            checkKeyValues(node, shape)
        case .map(let inner, let keys):
            guard let mapping = node.mapping else { return wrongType(node, shape) }
            for entry in mapping.entries {
                if keys == .resourceName { checkName(entry) }
                if inner.isText, entry.value.isNull { continue }
                below(.key(entry.key), entry.value, inner)
            }
        case .multipleTexts:
            if node.mapping == nil { wrongType(node, shape) }
        case .namesOrMap(let inner):
            if let items = node.sequence {
                checkDistinct(items)
                for (index, item) in items.enumerated() { below(.index(index), item, .string) }
            } else {
                check(node, .map(inner))
            }
        case .short(let form, let inner):
            checkShort(node, form, inner, shape)
        case .external:
            if node.mapping == nil, !Self.fits(node, .boolean) { wrongType(node, shape) }
        case .object(let object):
            checkObject(node, object)
        }
    }

    private func checkDistinct(_ items: [Node]) {
        guard items.count > 1 else { return }
        var seen: Set<String> = []
        for item in items {
            guard let text = item.scalarText, !seen.insert("\(item.kindName) \(text)").inserted else { continue }
            let path = pathText
            reporter.error("\(path) has '\(text)' twice", at: item.place, attribute: path, remedy: "remove one of the two")
        }
    }

    private mutating func checkShortEntry(_ node: Node, _ form: Shape.ShortForm, _ index: Int) {
        let isNumber = node.integer != nil
        if case .port = form, isNumber { return }
        guard node.string == nil else { return }
        path.append(.index(index))
        let path = pathText
        reporter.error("\(path) must be a string or a mapping", at: node.place, attribute: path)
        self.path.removeLast()
    }

    private mutating func checkShort(_ node: Node, _ form: Shape.ShortForm, _ inner: Shape, _ shape: Shape) {
        switch form {
        case .ulimit:
            if node.mapping == nil {
                if !Self.fits(node, .integer) { wrongType(node, shape) }
                return
            }
        case .gpus:
            if node.string == "all" { return }
        case .envFile:
            if node.string != nil { return }
        default:
            if node.string != nil { return }
            if node.mapping == nil { return wrongType(node, shape) }
        }
        check(node, inner)
    }

    private mutating func checkKeyValues(_ node: Node, _ shape: Shape) {
        if let items = node.sequence {
            for (index, item) in items.enumerated() { below(.index(index), item, .string) }
        } else if let mapping = node.mapping {
            for entry in mapping.entries {
                let isHosts = if case .hosts = shape { entry.value.sequence != nil } else { false }
                guard !isHosts, entry.value.scalarText == nil, !entry.value.isNull else { continue }
                path.append(.key(entry.key))
                let path = pathText
                reporter.error(
                    "\(path) must be a string, a number or a boolean", at: entry.value.place, attribute: path)
                self.path.removeLast()
            }
        } else {
            wrongType(node, shape)
        }
    }

    private func checkName(_ entry: Mapping.Entry) {
        let isGood = !entry.key.isEmpty && entry.key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard !isGood, !entry.key.hasPrefix("x-") else { return }
        reporter.error(
            "invalid name '\(entry.key)' in \(pathText)", at: entry.keyPlace, attribute: "\(pathText).\(entry.key)",
            remedy: "use letters, digits, '.', '_' and '-' only")
    }

    private mutating func checkObject(_ node: Node, _ object: ObjectShape) {
        guard let mapping = node.mapping else {
            if !(node.isNull && object.allowsNull) { wrongType(node, .object(object)) }
            return
        }
        for entry in mapping.entries {
            guard let attribute = object[entry.key] else {
                if !object.isOpen, !entry.key.hasPrefix("x-") { unknown(entry, object) }
                continue
            }
            if warns, case .warned(let reason) = attribute.state { warn(entry, attribute, reason) }
            below(.key(entry.key), entry.value, attribute.shape)
        }
        for name in object.required where mapping[name] == nil {
            let path = pathText
            reporter.error("\(path) lacks '\(name)'", at: node.place, attribute: path)
        }
    }

    private func unknown(_ entry: Mapping.Entry, _ object: ObjectShape) {
        let path = pathText
        reporter.error(
            "unknown attribute '\(entry.key)'" + (path.isEmpty ? "" : " in \(path)"), at: entry.keyPlace,
            attribute: path.isEmpty ? entry.key : "\(path).\(entry.key)",
            remedy: reporter.suggestion(for: entry.key, among: object.attributes.map(\.name))
                ?? (path.isEmpty ? "an extension's name starts with x-" : nil))
    }

    private func warn(_ entry: Mapping.Entry, _ attribute: Attribute, _ reason: String) {
        // An attribute at its default changes nothing, and so misleads nobody.
        switch entry.value.value {
        case .bool(false), .null: return
        case .sequence(let items) where items.isEmpty: return
        case .mapping(let mapping) where mapping.isEmpty: return
        default: break
        }
        let parent = pathText
        let path = parent.isEmpty ? entry.key : "\(parent).\(entry.key)"
        reporter.warning("\(path) has no effect yet: \(reason)", at: entry.keyPlace, attribute: path)
    }

    /// Whether a scalar is what its shape asks for. Texts that name a number, a size or a time are looked at
    /// again when they are converted.
    static func fits(_ node: Node, _ shape: Shape) -> Bool {
        switch (shape, node.value) {
        case (.any, _), (.string, .string), (.text, .string), (.text, .integer), (.text, .unsigned), (.text, .float): true
        case (.ports, .string), (.ports, .integer): true
        case (.deviceCount, .string), (.deviceCount, .integer): true
        case (.duration, .string), (.bytes, .string), (.bytes, .integer), (.bytes, .float): true
        case (.choice(let words), .string(let word)): words.contains(word)
        case (.boolean, .bool): true
        case (.boolean, .string(let text)): ScalarText.boolean(text) != nil
        case (.integer, .integer): true
        case (.integer, .float(let number)): number.rounded() == number && Int64(exactly: number) != nil
        case (.integer, .string(let text)), (.wholePart, .string(let text)): Int64(text) != nil
        case (.wholePart, .integer): true
        case (.wholePart, .float(let number)): Int64(exactly: number.rounded(.towardZero)) != nil
        case (.number, .integer), (.number, .unsigned), (.number, .float): true
        case (.number, .string(let text)): ScalarText.number(text) != nil
        case (.fileMode, .integer), (.modeNumber, .integer): true
        case (.fileMode, .string(let text)), (.modeNumber, .string(let text)): ScalarText.octal(text) != nil
        default: false
        }
    }
}

extension Shape {
    /// Whether values are plain texts, which may be left out in a mapping.
    fileprivate var isText: Bool {
        if case .text = self { true } else { false }
    }
}

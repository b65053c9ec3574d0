import YAML

/// Checks a merged document against the attribute table: unknown attributes, wrong types, missing ones, and
/// attributes without effect.
struct Validation {
    let reporter: Reporter
    let warns: Bool
    private let allowsVariables: Bool
    private(set) var path: [Step] = []
    /// The place of the last key on the path; nil for an entry of a list.
    var keyPlace: Place?

    enum Step {
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

    var pathText: String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    mutating func below(_ step: Step, at keyPlace: Place? = nil, _ node: Node, _ shape: Shape) {
        let outer = self.keyPlace
        self.keyPlace = keyPlace
        path.append(step)
        check(node, shape)
        path.removeLast()
        self.keyPlace = outer
    }

    func wrongType(_ node: Node, _ shape: Shape) {
        wrongType(node, shape.expectation, remedy: remedy(node, shape))
    }

    private func wrongType(_ node: Node, _ expectation: String, remedy: String?) {
        if allowsVariables, node.string?.utf8.contains(UInt8(ascii: "$")) == true { return }
        let path = pathText
        // What is not there, or starts on another line, is pointed at by its key.
        var place = node.place
        if let keyPlace, node.isNull || keyPlace.line != place.line, keyPlace.source === place.source { place = keyPlace }
        reporter.error(
            "\(path.isEmpty ? "the file" : path) must be \(expectation)"
                + (node.isNull || path.isEmpty ? "" : ", not \(description(node, expectation))"),
            at: place, attribute: path, remedy: remedy)
    }

    /// The attribute's value against its shape, and against the rules it has besides.
    mutating func check(_ entry: Mapping.Entry, _ attribute: Attribute) {
        path.append(.key(entry.key))
        defer { path.removeLast() }
        let outer = keyPlace
        keyPlace = entry.keyPlace
        defer { keyPlace = outer }
        let node = entry.value
        if let kinds = attribute.kinds {
            if !kinds.contains(node) {
                wrongType(node, kinds.expectation, remedy: remedy(node, kinds.contains(.string) ? .string : attribute.shape))
                return
            }
        } else if attribute.allowsEmptyValues, let mapping = node.mapping {
            let given = Mapping(mapping.entries.filter { !$0.value.isNull })
            check(node.with(.mapping(given)), attribute.shape)
        } else {
            check(node, attribute.shape)
        }
        for rule in attribute.rules {
            guard let problem = rule.problem(node) else { continue }
            let path = pathText + (problem.index.map { "[\($0)]" } ?? "")
            reporter.error("\(path) \(problem.message)", at: problem.place, attribute: path, remedy: problem.remedy)
        }
    }

    private mutating func check(_ node: Node, _ shape: Shape) {
        switch shape {
        case .any:
            return
        case .string, .text, .rawText, .deviceCount, .choice, .boolean, .integer, .wholePart, .number, .bytes, .duration, .fileMode,
            .modeNumber:
            if !Self.fits(node, shape) { wrongType(node, shape) }
        case .list(let inner), .shortList(_, let inner):
            guard let items = node.sequence else { return wrongType(node, shape) }
            for (index, item) in items.enumerated() {
                if case .shortList(let form, _) = shape, item.mapping == nil {
                    checkShortEntry(item, form, index)
                } else {
                    below(.index(index), item, inner)
                }
            }
        case .oneOrList(let inner):
            if let items = node.sequence {
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
            checkKeyValues(node, shape)
        case .map(let inner, let keys):
            guard let mapping = node.mapping else { return wrongType(node, shape) }
            var strays = 0
            for (index, entry) in mapping.entries.enumerated() {
                if strays > 0 { strays -= 1; continue }
                if let object = inner.object {
                    strays = checkIndentation(index, mapping.entries) { Self.isStray($0, of: object) }
                    if strays > 0 { continue }
                }
                if keys == .resourceName { checkName(entry) }
                if keys == .uncheckedName, !Self.isName(entry.key) { continue }
                below(.key(entry.key), at: entry.keyPlace, entry.value, inner)
            }
        case .multipleTexts:
            guard let mapping = node.mapping else { return wrongType(node, shape) }
            for entry in mapping.entries {
                let wrong = (entry.value.sequence ?? [entry.value]).first { $0.scalarText == nil }
                if let wrong { reportNested(entry.key, at: wrong.isNull ? entry.keyPlace : wrong.place, wrong) }
            }
        case .namesOrMap(let inner):
            if let items = node.sequence {
                for (index, item) in items.enumerated() { below(.index(index), item, .string) }
            } else if node.mapping != nil {
                check(node, .map(inner))
            } else {
                wrongType(node, shape)
            }
        case .short(let form, let inner):
            checkShort(node, form, inner, shape)
        case .external:
            checkExternal(node)
        case .object(let object):
            checkObject(node, object)
        }
    }

    private mutating func checkShortEntry(_ node: Node, _ form: Shape.ShortForm, _ index: Int) {
        let isNumber = node.integer != nil
        if case .port = form, isNumber { return }
        guard node.string == nil else { return }
        path.append(.index(index))
        let path = pathText
        reporter.error(
            "\(path) must be a string or a mapping" + (node.isNull ? "" : ", not \(node.kindName)"), at: node.place,
            attribute: path, remedy: node.isNull ? "give the entry a value, or remove the line" : nil)
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
            if node.sequence == nil { return wrongType(node, shape) }
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
            for (index, item) in items.enumerated() {
                guard let entry = item.mapping?.entries.first, item.mapping?.count == 1 else {
                    below(.index(index), item, .string)
                    continue
                }
                let text = entry.value.scalarText.map { "write it as in the rest of the list: - \(entry.key)=\($0)" }
                let outer = keyPlace
                keyPlace = nil
                path.append(.index(index))
                wrongType(item, "a string", remedy: text)
                path.removeLast()
                keyPlace = outer
            }
        } else if let mapping = node.mapping {
            let isHosts = if case .hosts = shape { true } else { false }
            for entry in mapping.entries {
                if isHosts {
                    below(.key(entry.key), at: entry.keyPlace, entry.value, .oneOrList(.string))
                } else if entry.value.scalarText == nil, !entry.value.isNull {
                    checkNested(entry)
                }
            }
        } else {
            wrongType(node, shape)
        }
    }

    /// A list or mapping where a variable's or label's value belongs: often an attribute that is indented too far.
    private mutating func checkNested(_ entry: Mapping.Entry) {
        let outside = ServiceAttributes.service[entry.key] != nil
        reportNested(
            entry.key, at: entry.keyPlace, entry.value,
            remedy: outside
                ? "'\(entry.key)' is an attribute of a service: indent it less, if that is meant" : Self.flattened(entry))
    }

    private mutating func reportNested(_ key: String, at place: Place, _ value: Node, remedy: String? = nil) {
        path.append(.key(key))
        let path = pathText
        self.path.removeLast()
        reporter.error(
            "\(path) must be a string, a number, true or false, not \(value.kindName)", at: place, attribute: path,
            remedy: remedy ?? (Self.isTimestamp(value) ? self.remedy(value, .string) : nil))
    }

    private static func isTimestamp(_ node: Node) -> Bool {
        if case .timestamp = node.value { true } else { false }
    }

    /// Whether a scalar is what its shape asks for. Texts that name a number, a size or a time are looked at
    /// again when they are converted.
    static func fits(_ node: Node, _ shape: Shape) -> Bool {
        switch (shape, node.value) {
        case (.any, _), (.string, .string), (.text, .string), (.text, .integer), (.text, .unsigned), (.text, .float): true
        case (.rawText, .string), (.rawText, .integer), (.rawText, .float): true
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

/// Shows one row by a template.
struct TemplateEvaluation {
    private let source: String
    /// The row, `$`.
    private let root: TemplateValue
    private var dot: TemplateValue
    private var variables: [(name: String, value: TemplateValue)] = []
    private(set) var output = ""

    init(of source: String, on root: TemplateValue) {
        self.source = source
        self.root = root
        dot = root
    }

    mutating func show(_ nodes: [TemplateNode]) throws(TemplateError) {
        let outer = variables.count
        for node in nodes { try show(node) }
        variables.removeSubrange(outer...)
    }

    private mutating func show(_ node: TemplateNode) throws(TemplateError) {
        switch node {
        case .text(let text): output += text
        case .show(let pipeline):
            let value = try value(of: pipeline)
            if pipeline.variables.isEmpty { output += value.text }
        case .condition(let pipeline, let then, let otherwise):
            let outer = variables.count
            try show(try value(of: pipeline).isTrue ? then : otherwise)
            variables.removeSubrange(outer...)
        case .scope(let pipeline, let body, let otherwise):
            let outer = variables.count
            let value = try value(of: pipeline)
            if value.isTrue { try show(body, with: value) } else { try show(otherwise) }
            variables.removeSubrange(outer...)
        case .loop(let pipeline, let body, let otherwise): try loop(pipeline, body, otherwise)
        }
    }

    private mutating func show(_ nodes: [TemplateNode], with value: TemplateValue) throws(TemplateError) {
        let outer = dot
        dot = value
        try show(nodes)
        dot = outer
    }

    private mutating func loop(
        _ pipeline: TemplatePipeline, _ body: [TemplateNode], _ otherwise: [TemplateNode]
    ) throws(TemplateError) {
        var plain = pipeline
        plain.variables = []
        let elements: [(key: TemplateValue, value: TemplateValue)]
        switch try value(of: plain) {
        case .list(let list): elements = list.enumerated().map { (.integer(Int64($0.offset)), $0.element) }
        case .map(let members): elements = members.map { (.string($0.name), $0.value) }
        case .null, .absent: elements = []
        case let other: throw error("'range' goes through a list, not through \(other.kind)", at: pipeline.position)
        }
        if elements.isEmpty { return try show(otherwise) }
        for (key, value) in elements {
            let outer = variables.count
            let values = pipeline.variables.count == 2 ? [key, value] : [value]
            for (name, value) in zip(pipeline.variables, values) { set(name, to: value, declaring: pipeline.declares) }
            try show(body, with: value)
            variables.removeSubrange(outer...)
        }
    }

    private mutating func set(_ name: String, to value: TemplateValue, declaring: Bool) {
        if !declaring, let position = variables.lastIndex(where: { $0.name == name }) {
            variables[position].value = value
        } else {
            variables.append((name, value))
        }
    }

    // MARK: values

    private mutating func value(of pipeline: TemplatePipeline) throws(TemplateError) -> TemplateValue {
        var last: TemplateValue?
        for command in pipeline.commands { last = try value(of: command, piped: last) }
        let value = last ?? .absent
        if let name = pipeline.variables.first { set(name, to: value, declaring: pipeline.declares) }
        return value
    }

    private mutating func value(of command: TemplateCommand, piped: TemplateValue?) throws(TemplateError) -> TemplateValue {
        let first = command.operands[0]
        if case .function(let name) = first.kind {
            if name == "and" || name == "or" { return try choice(command, piped, stopsAt: name == "or") }
            let arguments = try arguments(of: command, piped)
            guard let function = TemplateFunction.named(name) else { preconditionFailure("the parser takes no other function") }
            do {
                return try function.body(arguments)
            } catch {
                throw self.error("\(name): \(error.message)", at: first.position)
            }
        }
        let value = try value(of: first)
        let arguments = try arguments(of: command, piped)
        switch value {
        case .lookup(let find):
            guard arguments.count == 1, case .string(let word) = arguments[0] else {
                throw error("this field takes one word", at: first.position, remedy: "write '.\(first.fields.last ?? "") \"key\"'")
            }
            return .string(find(word))
        default:
            guard arguments.isEmpty else { throw error("this field takes no arguments", at: first.position) }
            return value
        }
    }

    private mutating func arguments(of command: TemplateCommand, _ piped: TemplateValue?) throws(TemplateError) -> [TemplateValue] {
        var arguments: [TemplateValue] = []
        for operand in command.operands.dropFirst() { arguments.append(try value(of: operand)) }
        return arguments + (piped.map { [$0] } ?? [])
    }

    /// `and`, `or`: the first value that decides, or the last one. Later ones are not looked at.
    private mutating func choice(
        _ command: TemplateCommand, _ piped: TemplateValue?, stopsAt decisive: Bool
    ) throws(TemplateError) -> TemplateValue {
        var last: TemplateValue?
        for operand in command.operands.dropFirst() {
            let value = try value(of: operand)
            if value.isTrue == decisive { return value }
            last = value
        }
        return piped ?? last ?? .absent
    }

    private mutating func value(of operand: TemplateOperand) throws(TemplateError) -> TemplateValue {
        var value: TemplateValue
        switch operand.kind {
        case .dot: value = dot
        case .variable(""): value = root
        case .variable(let name): value = variables.last { $0.name == name }?.value ?? .absent
        case .literal(let literal): value = literal
        case .pipeline(let pipeline): value = try self.value(of: pipeline)
        case .function: preconditionFailure("the parser takes functions only at the beginning of a command")
        }
        for field in operand.fields { value = try member(field, of: value, operand) }
        return value
    }

    private func member(_ name: String, of value: TemplateValue, _ operand: TemplateOperand) throws(TemplateError) -> TemplateValue {
        switch value {
        case .record(let members):
            if let member = members.first(where: { $0.name == name }) { return member.value }
            throw .unknownField(name, among: members.map(\.name), at: operand.position, in: source)
        case .map(let members): return members.first { $0.name == name }?.value ?? .absent
        case .absent, .null: return .absent
        default: throw error("\(value.kind) has no field '.\(name)'", at: operand.position)
        }
    }

    private func error(_ message: String, at position: String.Index, remedy: String? = nil) -> TemplateError {
        TemplateError(message, at: position, in: source, remedy: remedy)
    }
}

extension TemplateError {
    static func unknownField(
        _ name: String, among known: [String], at position: String.Index, in source: String
    ) -> TemplateError {
        let alike = known.first { $0.lowercased() == name.lowercased() } ?? nearest(to: name, among: known)
        return TemplateError(
            "there is no field '.\(name)'", at: position, in: source,
            remedy: alike.map { "did you mean '.\($0)'?" } ?? "there are \(known.map { ".\($0)" }.joined(separator: ", "))")
    }
}

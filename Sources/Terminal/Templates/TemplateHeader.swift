/// The header of a table that a template makes: its text, with the name of the column in the place of each value.
///
/// It looks at every part of the template, so it also finds the fields that no row has where there is no row.
struct TemplateHeader {
    private let source: String
    private let columns: [ListFormat.Column]
    /// Whether the dot is the row. Within `range` and `with` it is something else.
    private var dotIsRow = true
    private var variables: [String: String] = [:]

    init(of source: String, columns: [ListFormat.Column]) {
        self.source = source
        self.columns = columns
    }

    mutating func text(of nodes: [TemplateNode]) throws(TemplateError) -> String {
        var text = ""
        for node in nodes { text += try self.text(of: node) }
        return text
    }

    private mutating func text(of node: TemplateNode) throws(TemplateError) -> String {
        switch node {
        case .text(let text): return text
        case .show(let pipeline):
            let header = try header(of: pipeline)
            return pipeline.variables.isEmpty ? header : ""
        case .condition(let pipeline, let then, let otherwise):
            // `{{if eq .State "running"}}up{{else}}down{{end}}` is about the state.
            let condition = try header(of: pipeline)
            let shown = try text(of: then)
            _ = try text(of: otherwise)
            return Self.hasValues(then) ? shown : condition
        case .scope(let pipeline, let body, let otherwise), .loop(let pipeline, let body, let otherwise):
            let header = try header(of: pipeline)
            let outer = dotIsRow
            dotIsRow = false
            _ = try text(of: body)
            dotIsRow = outer
            _ = try text(of: otherwise)
            return header
        }
    }

    private static func hasValues(_ nodes: [TemplateNode]) -> Bool {
        nodes.contains { if case .text = $0 { false } else { true } }
    }

    /// The columns that are used, in the order of their use.
    private mutating func header(of pipeline: TemplatePipeline) throws(TemplateError) -> String {
        var headers: [String] = []
        for operands in pipeline.commands.map(\.operands) {
            for (position, operand) in operands.enumerated() {
                let header = try header(of: operand, isLookup: position == 0 ? operands.dropFirst().first : nil)
                if !header.isEmpty { headers.append(header) }
            }
        }
        let header = headers.joined(separator: "/")
        for name in pipeline.variables { variables[name] = header }
        return header
    }

    private mutating func header(of operand: TemplateOperand, isLookup argument: TemplateOperand?) throws(TemplateError) -> String {
        switch operand.kind {
        case .pipeline(let pipeline): return try header(of: pipeline)
        case .variable(let name) where !name.isEmpty: return variables[name] ?? ""
        case .variable, .dot:
            guard let field = operand.fields.first, dotIsRow || operand.isRoot else { return "" }
            guard let column = columns.first(where: { $0.name == field }) else {
                throw .unknownField(field, among: columns.map(\.name), at: operand.position, in: source)
            }
            if column.isLookup, case .literal(.string(let word)) = argument?.kind { return Self.header(ofLabel: word) }
            return column.header
        case .function, .literal: return ""
        }
    }

    /// Docker's: the last part of the key, in words.
    private static func header(ofLabel key: String) -> String {
        let last = key.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
        return String(last.map { $0 == "-" || $0 == "_" ? " " : $0 })
    }
}

extension TemplateOperand {
    /// Whether it is `$`.
    fileprivate var isRoot: Bool {
        if case .variable("") = kind { true } else { false }
    }
}

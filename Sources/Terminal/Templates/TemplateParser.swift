/// Reads a template's pieces.
struct TemplateParser {
    /// Deeper than anybody writes, and far from where recursion ends.
    private static let deepest = 50
    private static let unsupported: Set = ["define", "template", "block", "break", "continue"]

    private let source: String
    private var pieces: ArraySlice<TemplatePiece>
    private var depth = 0
    /// Those of the blocks that are open.
    private var variables: [String] = []

    /// - Parameter replacesEscapes: see ``TemplateScanner``.
    static func nodes(of source: String, replacesEscapes: Bool) throws(TemplateError) -> [TemplateNode] {
        var scanner = TemplateScanner(source, replacesEscapes: replacesEscapes)
        var parser = TemplateParser(source: source, pieces: try scanner.pieces()[...])
        return try parser.block(within: nil).nodes
    }

    /// What ends a block.
    private enum BlockEnd: Equatable {
        case end
        /// With what follows `else`: nothing, or a block of its own as in `else if`.
        case otherwise([TemplateToken], String.Index)
    }

    /// Everything up to the end of the block, or of the template where `opening` is nil.
    private mutating func block(
        within opening: (word: String, position: String.Index)?
    ) throws(TemplateError) -> (nodes: [TemplateNode], end: BlockEnd) {
        depth += 1
        let outer = variables.count
        defer {
            depth -= 1
            variables.removeSubrange(outer...)
        }
        var nodes: [TemplateNode] = []
        while let piece = pieces.popFirst() {
            switch piece {
            case .text(let text): nodes.append(.text(text))
            case .action(let tokens, let position):
                if let end = try blockEnd(tokens, position) {
                    guard opening != nil else {
                        throw error("there is no 'if', 'range' or 'with' that this \(end == .end ? "'end'" : "'else'") belongs to", at: position)
                    }
                    return (nodes, end)
                }
                nodes.append(try node(tokens, position))
            }
        }
        guard let opening else { return (nodes, .end) }
        throw error("'\(opening.word)' has no 'end'", at: opening.position, remedy: "close it with '{{end}}'")
    }

    private func blockEnd(_ tokens: [TemplateToken], _ position: String.Index) throws(TemplateError) -> BlockEnd? {
        switch tokens.first?.kind {
        case .word("end"):
            if tokens.count > 1 { throw error("nothing follows 'end'", at: tokens[1].position) }
            return .end
        case .word("else"): return .otherwise(Array(tokens.dropFirst()), position)
        default: return nil
        }
    }

    private mutating func node(_ tokens: [TemplateToken], _ position: String.Index) throws(TemplateError) -> TemplateNode {
        guard let first = tokens.first else { throw error("there is nothing between '{{' and '}}'", at: position) }
        guard depth <= Self.deepest else { throw error("the blocks are nested too deeply", at: position) }
        if case .word(let word) = first.kind {
            if ["if", "range", "with"].contains(word) { return try control(word, tokens.dropFirst(), position) }
            if Self.unsupported.contains(word) { throw error("'\(word)' is not supported", at: first.position) }
        }
        return .show(try pipeline(tokens[...], from: position))
    }

    private mutating func control(
        _ word: String, _ tokens: ArraySlice<TemplateToken>, _ position: String.Index
    ) throws(TemplateError) -> TemplateNode {
        let outer = variables.count
        defer { variables.removeSubrange(outer...) }
        let pipeline = try pipeline(tokens, from: position, mayDeclareTwo: word == "range")
        let (body, end) = try block(within: (word, position))
        var otherwise: [TemplateNode] = []
        if case .otherwise(let next, let position) = end {
            if case .word(let inner) = next.first?.kind, inner == "if" || inner == "with" {
                depth += 1
                otherwise = [try node(next, position)]
                depth -= 1
            } else if let surplus = next.first {
                throw error("only 'if' and 'with' may follow 'else'", at: surplus.position)
            } else {
                let (nodes, end) = try block(within: (word, position))
                guard end == .end else { throw error("there is more than one 'else'", at: position) }
                otherwise = nodes
            }
        }
        return switch word {
        case "if": .condition(pipeline, then: body, otherwise: otherwise)
        case "with": .scope(pipeline, body: body, otherwise: otherwise)
        default: .loop(pipeline, body: body, otherwise: otherwise)
        }
    }

    // MARK: pipelines

    private mutating func pipeline(
        _ tokens: ArraySlice<TemplateToken>, from position: String.Index, mayDeclareTwo: Bool = false
    ) throws(TemplateError) -> TemplatePipeline {
        var rest = tokens
        let pipeline = try pipeline(&rest, from: position, mayDeclareTwo: mayDeclareTwo)
        if let surplus = rest.first { throw error("there is no '(' that this ')' belongs to", at: surplus.position) }
        variables += pipeline.declares ? pipeline.variables : []
        return pipeline
    }

    /// Up to the end of `rest`, or to a closing parenthesis, which is left there.
    private mutating func pipeline(
        _ rest: inout ArraySlice<TemplateToken>, from position: String.Index, mayDeclareTwo: Bool
    ) throws(TemplateError) -> TemplatePipeline {
        var pipeline = TemplatePipeline(position: position)
        try takeVariables(&rest, into: &pipeline, mayDeclareTwo: mayDeclareTwo)
        while true {
            let command = try command(&rest, from: position)
            if !pipeline.commands.isEmpty, !command.takesArguments {
                throw error("a value takes nothing from the '|' before it", at: command.operands[0].position, remedy: "name a function after '|'")
            }
            try checkArguments(of: command, isPiped: !pipeline.commands.isEmpty)
            pipeline.commands.append(command)
            guard rest.first?.kind == .pipe else { return pipeline }
            rest.removeFirst()
        }
    }

    private func takeVariables(
        _ rest: inout ArraySlice<TemplateToken>, into pipeline: inout TemplatePipeline, mayDeclareTwo: Bool
    ) throws(TemplateError) {
        guard case .variable(let first)? = rest.first?.kind else { return }
        var names = [first]
        var count = 1
        if mayDeclareTwo, rest.count > 2, rest[rest.startIndex + 1].kind == .comma,
            case .variable(let second) = rest[rest.startIndex + 2].kind
        {
            names.append(second)
            count = 3
        }
        guard let sign = rest.dropFirst(count).first, sign.kind == .declare || sign.kind == .assign else { return }
        let position = rest[rest.startIndex].position
        if names.contains("") { throw error("'$' is the whole row and can't be set", at: position) }
        if sign.kind == .assign, let unknown = names.first(where: { !variables.contains($0) }) { throw unknownVariable(unknown, at: position) }
        pipeline.variables = names
        pipeline.declares = sign.kind == .declare
        rest.removeFirst(count + 1)
    }

    private mutating func command(
        _ rest: inout ArraySlice<TemplateToken>, from position: String.Index
    ) throws(TemplateError) -> TemplateCommand {
        var operands: [TemplateOperand] = []
        while let token = rest.first, token.kind != .pipe, token.kind != .close {
            rest.removeFirst()
            var operand = try operand(token, &rest)
            // `$x.Name`, `(index .List 0).Name`: what follows at once is asked of it.
            if let next = rest.first, !next.isDetached, case .field(let names) = next.kind {
                guard operand.mayHaveFields else { throw error("a space is missing before '.'", at: next.position) }
                operand.fields += names
                rest.removeFirst()
            }
            operands.append(operand)
        }
        guard !operands.isEmpty else {
            throw error("a value is missing", at: rest.first?.position ?? position, remedy: "write a field such as '.Name'")
        }
        let command = TemplateCommand(operands: operands)
        if operands.count > 1, !command.takesArguments { throw error("a value takes no arguments", at: operands[1].position) }
        if let function = operands.dropFirst().first(where: \.isFunction) {
            throw error("a function among arguments needs parentheses", at: function.position)
        }
        return command
    }

    private func checkArguments(of command: TemplateCommand, isPiped: Bool) throws(TemplateError) {
        guard case .function(let name) = command.operands[0].kind, let function = TemplateFunction.named(name) else { return }
        let count = command.operands.count - 1 + (isPiped ? 1 : 0)
        guard !function.argumentCount.contains(count) else { return }
        throw error("'\(name)' does not take \(count) argument\(count == 1 ? "" : "s")", at: command.operands[0].position, remedy: "write \(function.usage)")
    }

    private mutating func operand(
        _ token: TemplateToken, _ rest: inout ArraySlice<TemplateToken>
    ) throws(TemplateError) -> TemplateOperand {
        func operand(_ kind: TemplateOperand.Kind, _ fields: [String] = []) -> TemplateOperand {
            TemplateOperand(kind: kind, fields: fields, position: token.position)
        }
        switch token.kind {
        case .dot: return operand(.dot)
        case .field(let names): return operand(.dot, names)
        case .variable(let name):
            guard name.isEmpty || variables.contains(name) else { throw unknownVariable(name, at: token.position) }
            return operand(.variable(name))
        case .word("true"): return operand(.literal(.bool(true)))
        case .word("false"): return operand(.literal(.bool(false)))
        case .word("nil"): return operand(.literal(.null))
        case .word(let name):
            guard TemplateFunction.named(name) != nil else {
                let names = TemplateFunction.names
                throw error(
                    "there is no function '\(name)'", at: token.position,
                    remedy: nearest(to: name, among: names).map { "did you mean '\($0)'?" } ?? "there are \(names.joined(separator: ", "))")
            }
            return operand(.function(name))
        case .string(let text): return operand(.literal(.string(text)))
        case .integer(let value): return operand(.literal(.integer(value)))
        case .open:
            depth += 1
            defer { depth -= 1 }
            guard depth <= Self.deepest else { throw error("the parentheses are nested too deeply", at: token.position) }
            let inner = try pipeline(&rest, from: token.position, mayDeclareTwo: false)
            guard rest.popFirst()?.kind == .close else { throw error("'(' has no end", at: token.position, remedy: "close it with ')'") }
            return operand(.pipeline(inner))
        case .pipe, .close, .comma, .assign, .declare:
            throw error("this has no meaning here", at: token.position)
        }
    }

    private func unknownVariable(_ name: String, at position: String.Index) -> TemplateError {
        error("there is no variable '$\(name)'", at: position, remedy: "set it first, as in '{{$\(name) := .Name}}'")
    }

    private func error(_ message: String, at position: String.Index, remedy: String? = nil) -> TemplateError {
        TemplateError(message, at: position, in: source, remedy: remedy)
    }
}

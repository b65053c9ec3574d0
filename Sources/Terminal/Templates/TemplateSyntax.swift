/// A part of a template.
indirect enum TemplateNode: Sendable {
    case text(String)
    /// `{{.Name | upper}}`
    case show(TemplatePipeline)
    case condition(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    /// `with`: the value is the dot of its body.
    case scope(TemplatePipeline, body: [TemplateNode], otherwise: [TemplateNode])
    case loop(TemplatePipeline, body: [TemplateNode], otherwise: [TemplateNode])
}

/// `$x := .Name | upper`: each command's value is the last argument of the next one.
struct TemplatePipeline: Sendable {
    /// The variables that take the value; in `range $key, $value :=` there are two.
    var variables: [String] = []
    /// Whether they are new ones (`:=`).
    var declares = false
    var commands: [TemplateCommand] = []
    var position: String.Index
}

/// A value, or a function or field with its arguments.
struct TemplateCommand: Sendable {
    var operands: [TemplateOperand]

    /// Whether its first word is a function, or a field, which may be one that takes a word.
    var takesArguments: Bool { operands[0].isFunction || !operands[0].fields.isEmpty }
}

/// One word of a command.
struct TemplateOperand: Sendable {
    indirect enum Kind: Sendable {
        case dot
        case variable(String)
        case function(String)
        case literal(TemplateValue)
        case pipeline(TemplatePipeline)
    }

    var kind: Kind
    /// The fields asked of it, from the outermost.
    var fields: [String]
    var position: String.Index

    var isFunction: Bool {
        if case .function = kind { true } else { false }
    }

    /// Whether fields may follow without a space.
    var mayHaveFields: Bool {
        switch kind {
        case .variable, .pipeline: true
        case .dot, .function, .literal: false
        }
    }
}

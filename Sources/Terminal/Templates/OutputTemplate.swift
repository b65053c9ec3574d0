/// A template for what a command shows, in the part of Go's text/template that `docker` and `docker compose` users write:
/// fields, `index`, `if`, `range`, `with`, variables, pipelines and the functions of ``TemplateFunction``.
///
/// Source: the documentation of Go's text/template, and docs.docker.com/engine/cli/formatting.
public struct OutputTemplate: Sendable {
    let source: String
    let nodes: [TemplateNode]

    /// Reads a template.
    ///
    /// - Parameter replacesEscapes: whether `\t` and `\n` outside of the braces are a tab and a line end.
    /// - Throws: for the first thing that is wrong.
    public init(_ source: String, replacesEscapes: Bool = false) throws(TemplateError) {
        self.source = source
        nodes = try TemplateParser.nodes(of: source, replacesEscapes: replacesEscapes)
    }

    /// Shows one document.
    ///
    /// - Parameter isForTerminal: whether what a terminal would obey is escaped in the document's texts.
    /// - Throws: where it asks for what isn't there, or a function does not take what it gets.
    public func rendered(_ value: TemplateValue, isForTerminal: Bool = false) throws(TemplateError) -> String {
        var evaluation = TemplateEvaluation(of: source, on: isForTerminal ? value.sanitized() : value)
        try evaluation.show(nodes)
        return evaluation.output
    }
}

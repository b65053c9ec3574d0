/// A word of what stands between `{{` and `}}`.
struct TemplateToken: Equatable {
    enum Kind: Equatable {
        /// `.`
        case dot
        /// `.Name.Length`: the names.
        case field([String])
        /// `$name`; the name without the dollar sign is empty for `$`.
        case variable(String)
        /// The name of a function, or a keyword.
        case word(String)
        case string(String)
        case integer(Int64)
        case pipe, open, close, comma
        /// `=`
        case assign
        /// `:=`
        case declare
    }

    let kind: Kind
    let position: String.Index
    /// Whether a space or the beginning stands before it: `$x.Name` is one thing, `$x .Name` are two.
    let isDetached: Bool
}

/// A template cut into text and actions.
enum TemplatePiece: Equatable {
    case text(String)
    /// What stands between the braces, and where they open.
    case action([TemplateToken], String.Index)
}

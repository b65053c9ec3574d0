/// A place in a text: what an editor needs to go there.
public struct SourceLocation: Sendable, Hashable {
    /// The file as the person named it, `-` for standard input.
    public let file: String
    /// Counted from 1.
    public let line: Int
    /// In characters, counted from 1.
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// One thing wrong, or worth knowing, in what a person wrote.
public struct Diagnostic: Sendable, Equatable {
    public enum Severity: String, Sendable {
        case error, warning
    }

    public let severity: Severity
    /// What is wrong: lower case, no full stop, never a secret's value.
    public let message: String
    /// Where, as far as that is known.
    public let location: SourceLocation?
    /// The attribute's path, for example `services.web.ports[0]`; empty when none applies.
    public let attribute: String
    /// The line of the file that `location` points into, for the caret.
    public let sourceLine: String?
    /// What to do about it, for example `did you mean 'ports'?`.
    public let remedy: String?

    public init(
        _ severity: Severity, _ message: String, at location: SourceLocation? = nil, attribute: String = "",
        sourceLine: String? = nil, remedy: String? = nil
    ) {
        self.severity = severity
        self.message = message
        self.location = location
        self.attribute = attribute
        self.sourceLine = sourceLine
        self.remedy = remedy
    }
}

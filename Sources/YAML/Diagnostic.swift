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

    /// What a person gets to see of the line that is meant.
    public enum Source: Sendable, Equatable {
        /// The line, or the part of a very long one around the place, and where in it the place is: in characters,
        /// counted from 1.
        case line(String, column: Int)
        /// Nobody has looked: whoever shows the diagnostic may.
        case unread
        /// Not to be shown: lines of env files hold values, often secret ones.
        case withheld
    }

    public let severity: Severity
    /// What is wrong: lower case, no full stop, never a secret's value.
    public var message: String
    /// Where, as far as that is known.
    public let location: SourceLocation?
    /// The attribute's path, for example `services.web.ports[0]`; empty when none applies.
    public let attribute: String
    /// What to show of the line that `location` points into.
    public let source: Source
    /// What to do about it, for example `did you mean 'ports'?`.
    public var remedy: String?

    public init(
        _ severity: Severity, _ message: String, at location: SourceLocation? = nil, attribute: String = "",
        source: Source = .unread, remedy: String? = nil
    ) {
        self.severity = severity
        self.message = message
        self.location = location
        self.attribute = attribute
        self.source = source
        self.remedy = remedy
    }
}

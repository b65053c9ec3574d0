/// A text that is no JSON, and where it stops being it.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong; it never quotes the text, which may hold what must not be shown.
    public let message: String
    /// In bytes, counted from 0.
    public let offset: Int
    /// Counted from 1.
    public let line: Int
    /// In characters (Unicode scalars), counted from 1.
    public let column: Int

    public init(message: String, offset: Int, line: Int, column: Int) {
        self.message = message
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// `line 3, column 14: a string does not end`.
    public var description: String { "line \(line), column \(column): \(message)" }
}

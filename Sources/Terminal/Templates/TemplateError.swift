/// Why a template can't be used.
public struct TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public let message: String
    /// Where in the template, counted from 1 in Unicode scalars; nil where it is about all of it.
    public let column: Int?
    /// What to do about it, where that can be told.
    public let remedy: String?

    init(_ message: String, at position: String.Index? = nil, in text: String = "", remedy: String? = nil) {
        self.message = message
        column = position.map { text.unicodeScalars.distance(from: text.startIndex, to: $0) + 1 }
        self.remedy = remedy
    }

    /// `format, column 3: there is no field '.Nam'; did you mean '.Name'?`
    public var description: String { placedMessage + (remedy.map { "; \($0)" } ?? "") }

    /// The message with its place.
    public var placedMessage: String { (column.map { "format, column \($0): " } ?? "format: ") + message }
}

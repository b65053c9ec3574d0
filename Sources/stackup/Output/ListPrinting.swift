import Glibc
import Terminal
import Words

/// What `--format` says to commands that show what the store or a stack has.
extension Invocation {
    /// How a list is to be printed.
    ///
    /// - Parameter columns: what a template can name.
    func listFormat(_ columns: [ListFormat.Column]) throws(UsageError) -> ListFormat {
        do {
            return try ListFormat(value("format"), columns: columns)
        } catch {
            throw usageError(error)
        }
    }

    /// Prints a list.
    ///
    /// - Parameter header: of the table that is printed where no format was given.
    func print(
        _ rows: [ListFormat.Row], header: [String], as format: ListFormat, json: ListFormat.JSONStyle
    ) throws(UsageError) {
        do {
            let text = try format.rendered(rows, header: header, json: json, isForTerminal: isTerminal(STDOUT_FILENO))
            streams.print(text, terminator: "")
        } catch {
            throw usageError(error)
        }
    }

    /// A template for one document each.
    ///
    /// - Parameter example: one that works, for the message where the text shows nothing of the document.
    func template(_ text: String, example: String) throws(UsageError) -> OutputTemplate {
        guard text.contains(part: "{{") else {
            throw arguments.usageError("format '\(text)' shows nothing", remedy: "give json, or a template such as '\(example)'")
        }
        do {
            return try OutputTemplate(text)
        } catch {
            throw usageError(error)
        }
    }

    /// One document as a template shows it.
    func rendered(_ template: OutputTemplate, _ document: TemplateValue) throws(UsageError) -> String {
        do {
            return try template.rendered(document, isForTerminal: isTerminal(STDOUT_FILENO))
        } catch {
            throw usageError(error)
        }
    }

    private func usageError(_ error: TemplateError) -> UsageError {
        arguments.usageError(error.placedMessage, remedy: error.remedy)
    }
}

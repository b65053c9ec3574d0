import JSON
import Words

/// How a command prints a list: what `--format` says.
public struct ListFormat: Sendable {
    /// A column that a template can name.
    public struct Column: Sendable {
        /// As a template names it: `CreatedAt`.
        public let name: String
        /// As a table's first line has it: `CREATED`.
        public let header: String
        /// Whether it takes a word, as `.Label "key"`.
        public let isLookup: Bool

        /// - Parameter header: nil: the name's words in upper case.
        public init(_ name: String, header: String? = nil, isLookup: Bool = false) {
            self.name = name
            self.header = header ?? Self.words(name)
            self.isLookup = isLookup
        }

        private static func words(_ name: String) -> String {
            var result = ""
            var last: Character?
            for character in name {
                if character.isUppercase, last?.isLowercase == true { result.append(" ") }
                result += character.uppercased()
                last = character
            }
            return result
        }
    }

    /// One line of the list.
    public struct Row {
        /// What the table shows unless a template says otherwise.
        let cells: [String]
        /// What templates and JSON show; the usual table needs none of it.
        let document: () -> TemplateValue

        public init(cells: [String], document: @autoclosure @escaping () -> TemplateValue) {
            self.cells = cells
            self.document = document
        }
    }

    /// How rows stand in JSON.
    public enum JSONStyle: Sendable {
        /// An object a line, as Docker prints lists.
        case lines
        /// One array.
        case array
    }

    private enum Style {
        case table
        case json
        /// A table whose first line is that text.
        case templateTable(OutputTemplate, header: String)
        case template(OutputTemplate)
    }

    /// What `--format` takes, for help.
    public static let help = "How to print it: 'table', 'json', a Go template, or 'table' and a template (default table)"

    private let style: Style

    /// Whether nothing was asked for but the usual table.
    public var isTable: Bool {
        if case .table = style { true } else { false }
    }

    /// Reads what was given.
    ///
    /// - Parameters:
    ///   - text: `table`, `json`, a template, or `table` and a template; nil or empty for a table.
    ///   - columns: what a template can name.
    /// - Throws: for a word that is neither, and for a template that is wrong or names what no row has.
    public init(_ text: String?, columns: [Column]) throws(TemplateError) {
        switch text {
        case nil, "", "table": style = .table
        case "json": style = .json
        case let text?:
            let table = text.hasPrefix("table ") ? String(text.dropFirst("table ".count)) : nil
            guard text.contains(part: "{{") else {
                throw TemplateError(
                    "'\(text)' shows nothing of a row", remedy: "give table, json, or a template such as '{{.\(columns.first?.name ?? "Name")}}'")
            }
            let template = try OutputTemplate(Self.trimmed(table ?? text), replacesEscapes: true)
            var header = TemplateHeader(of: template.source, columns: columns)
            let headerText = try header.text(of: template.nodes)
            style = table == nil ? .template(template) : .templateTable(template, header: headerText)
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// The list as text.
    ///
    /// - Parameters:
    ///   - header: of the usual table.
    ///   - isForTerminal: whether what a terminal would obey is escaped in what a template shows; in tables it always is.
    /// - Throws: where a template's function does not take what a row has.
    public func rendered(
        _ rows: [Row], header: [String], json jsonStyle: JSONStyle, isForTerminal: Bool
    ) throws(TemplateError) -> String {
        switch style {
        case .table: return renderTable(header: header, rows: rows.map(\.cells))
        case .json:
            switch jsonStyle {
            case .lines: return rows.map { $0.document().json.serialized() + "\n" }.joined()
            case .array: return JSONValue.array(rows.map { $0.document().json }).serialized() + "\n"
            }
        case .template(let template):
            var text = ""
            for row in rows { text += try template.rendered(row.document(), isForTerminal: isForTerminal) + "\n" }
            return text
        case .templateTable(let template, let header):
            var lines = Self.lines(header)
            for row in rows { lines += Self.lines(try template.rendered(row.document(), isForTerminal: true)) }
            return renderTable(header: [], rows: lines)
        }
    }

    /// A row may be several lines.
    private static func lines(_ text: String) -> [[String]] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }
}

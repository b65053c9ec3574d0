import Words

/// How bad what a diagnostic tells is.
public enum DiagnosticSeverity: String, Sendable {
    case error, warning
}

/// Where a diagnostic points.
public struct DiagnosticLocation: Sendable, Equatable {
    public var file: String
    /// Counted from 1.
    public var line: Int
    /// In Unicode scalars, counted from 1.
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// A diagnostic for a person:
/// ```
/// compose.yaml:4:5: error: unknown attribute 'prots'
///       prots:
///       ^
///   did you mean 'ports'?
/// ```
/// Everything in it is escaped, so a file cannot send escape sequences to the terminal.
///
/// - Parameters:
///   - severity: the word before the message.
///   - location: left out where it is nil.
///   - attribute: the attribute's path; stands before the message unless that names it already.
///   - message: what is wrong.
///   - sourceLine: the line that `location` points into, as it is in the file, or a part of it.
///   - sourceColumn: where in `sourceLine` the caret goes; nil: at the location's column.
///   - remedy: what to do.
///   - isColoured: as ``ColourPolicy`` has it for standard error.
///   - width: the terminal's columns; a longer source line is cut around the caret.
/// - Returns: lines, each with its line end.
public func renderDiagnostic(
    severity: DiagnosticSeverity, location: DiagnosticLocation?, attribute: String = "", message: String,
    sourceLine: String? = nil, sourceColumn: Int? = nil, remedy: String? = nil, isColoured: Bool = false,
    width: Int = 80
) -> String {
    let style = severity == .error ? Style.boldRed : .boldYellow
    var text = ""
    if let location {
        let place = "\(sanitizedForTerminal(location.file)):\(location.line):\(location.column):"
        text += Style.bold(place, enabled: isColoured) + " "
    }
    text += style("\(severity.rawValue):", enabled: isColoured) + " "
    if !attribute.isEmpty, !message.contains(part: attribute) { text += sanitizedForTerminal(attribute) + ": " }
    text += sanitizedForTerminal(message) + "\n"
    if let location, let sourceLine {
        let (line, caret) = excerpt(of: sourceLine, around: sourceColumn ?? location.column, width: max(width - 2, 20))
        text += "  \(line)\n"
        text += "  " + String(repeating: " ", count: caret) + Style.green("^", enabled: isColoured) + "\n"
    }
    if let remedy { text += "  \(sanitizedForTerminal(remedy))\n" }
    return text
}

/// The part of a line that fits `width` columns, and how far into it the column's character stands.
private func excerpt(of line: String, around column: Int, width: Int) -> (text: String, caret: Int) {
    if line.utf8.count <= width, isPlain(line) { return (line, min(max(column, 1) - 1, line.utf8.count)) }
    // Scalars that far from the caret cannot be in the part: a line may be megabytes long.
    let scalars = line.unicodeScalars
    let count = scalars.count
    let index = min(max(column, 1) - 1, count)
    let skipped = max(0, index - 4 * width)
    var cells: [(text: String, width: Int)] = []
    var position = 0
    for scalar in scalars.dropFirst(skipped).prefix(8 * width) where scalar != "\n" && scalar != "\r" {
        let cell: String
        if scalar == "\t" {
            cell = String(repeating: " ", count: 4 - position % 4)
        } else {
            cell = isUnsafe(scalar) ? escaped(scalar) : String(scalar)
        }
        let cellWidth = cell.unicodeScalars.reduce(0) { $0 + displayWidth($1) }
        cells.append((cell, cellWidth))
        position += cellWidth
    }
    let target = min(index - skipped, cells.count)
    var start = 0
    var end = cells.count
    var total = position
    // Cut at whichever side reaches farther from the caret, leaving room for two '…'.
    if skipped > 0 || total > width {
        var before = cells[..<target].reduce(0) { $0 + $1.width }
        let room = width - 2
        while total > room, start < end {
            if before > total - before, start < target {
                before -= cells[start].width
                total -= cells[start].width
                start += 1
            } else if end > target + 1 {
                end -= 1
                total -= cells[end].width
            } else {
                break
            }
        }
    }
    let isCutBefore = skipped > 0 || start > 0
    let isCutAfter = end < cells.count || count > skipped + 8 * width
    let text = (isCutBefore ? "…" : "") + cells[start..<end].map(\.text).joined() + (isCutAfter ? "…" : "")
    return (text, cells[start..<target].reduce(isCutBefore ? 1 : 0) { $0 + $1.width })
}

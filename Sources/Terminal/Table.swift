/// A table as Docker prints it: no lines, columns padded with three spaces and at least ten wide.
///
/// Cells are escaped with ``sanitizedForTerminal(_:)``. A row shorter than the header ends early.
///
/// - Parameters:
///   - header: the columns' names, printed in upper case; empty for none.
///   - rows: the cells.
/// - Returns: lines, each with its line end and without trailing spaces.
public func renderTable(header: [String], rows: [[String]]) -> String {
    let lines = (header.isEmpty ? [] : [header.map { $0.uppercased() }]) + rows.map { $0.map(sanitizedForTerminal) }
    var widths: [Int] = []
    for line in lines {
        for (column, cell) in line.enumerated() {
            let width = max(displayWidth(cell) + 3, 10)
            if column < widths.count {
                widths[column] = max(widths[column], width)
            } else {
                widths.append(width)
            }
        }
    }
    var text = ""
    for line in lines {
        var pending = 0
        for (column, cell) in line.enumerated() {
            if !cell.isEmpty {
                text += String(repeating: " ", count: pending) + cell
                pending = 0
            }
            pending += widths[column] - displayWidth(cell)
        }
        text += "\n"
    }
    return text
}

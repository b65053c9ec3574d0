import JSON

/// A diagnostic for a tool: one JSON object on one line, its members described in docs/diagnostics.md.
///
/// Texts are as they are in the file, and not cut; what a terminal would obey is escaped nevertheless, as JSON allows
/// for any character, since standard error may well be one.
///
/// - Parameters: as ``renderDiagnostic(severity:location:attribute:message:sourceLine:sourceColumn:remedy:isColoured:width:)``
///   takes them; what does not apply becomes `null`.
/// - Returns: the line with its line end.
public func renderDiagnosticJSON(
    severity: DiagnosticSeverity, location: DiagnosticLocation?, attribute: String = "", message: String,
    sourceLine: String? = nil, sourceColumn: Int? = nil, remedy: String? = nil
) -> String {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
    let object: JSONValue = [
        "severity": .string(severity.rawValue),
        "message": .string(message),
        "file": text(location?.file),
        "line": number(location?.line),
        "column": number(location?.column),
        "attribute": text(attribute.isEmpty ? nil : attribute),
        "remedy": text(remedy),
        "sourceLine": text(sourceLine),
        "sourceColumn": number(sourceLine == nil ? nil : sourceColumn ?? location?.column),
    ]
    let line = object.serialized(escapingHTML: false)
    guard !isPlain(line) else { return line + "\n" }
    var escaped = String.UnicodeScalarView()
    // Outside its strings the line is plain, so what is replaced is always inside one.
    for scalar in line.unicodeScalars {
        if isUnsafe(scalar) { escaped.append(contentsOf: jsonEscape(scalar).unicodeScalars) } else { escaped.append(scalar) }
    }
    return String(escaped) + "\n"
}

private func jsonEscape(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }.joined()
}

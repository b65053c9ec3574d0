import CYAML

/// What a text holds, as far as it could be read.
public struct ParsedStream: Sendable {
    /// The roots of the documents, in order; none where an error makes the text unreadable.
    public let documents: [Node]
    /// All the errors found, and warnings of tags that mean nothing.
    public let diagnostics: [Diagnostic]
}

/// Reads a YAML stream.
///
/// Hostile text gives a diagnostic; it never crashes, and never takes more stack, memory or time than `limits` allow.
/// An empty text, or one of comments only, is a stream of no documents and not an error here.
///
/// Source: YAML 1.1 as libyaml reads it, scalars by YAML 1.2's core schema, <https://yaml.org/spec/1.2.2/>.
///
/// - Parameters:
///   - source: the text and its name; as UTF-8.
///   - limits: what the text may ask for.
public func parseYAML(_ source: SourceText, limits: Limits = Limits()) -> ParsedStream {
    if let problem = unreadable(source, limits) { return ParsedStream(documents: [], diagnostics: [problem]) }
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else {
        let problem = Diagnostic(.error, "\(source.file): not enough memory to read the file")
        return ParsedStream(documents: [], diagnostics: [problem])
    }
    defer { yaml_parser_delete(&parser) }
    return source.bytes.withUnsafeBufferPointer { buffer in
        yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        var composer = Composer(source: source, limits: limits)
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else {
                composer.diagnostics.append(SyntaxError(parser, source).diagnostic)
                return ParsedStream(documents: [], diagnostics: composer.diagnostics)
            }
            defer { yaml_event_delete(&event) }
            if event.type == YAML_STREAM_END_EVENT { break }
            guard composer.take(event) else {
                return ParsedStream(documents: [], diagnostics: composer.diagnostics)
            }
        }
        return ParsedStream(documents: composer.documents, diagnostics: composer.diagnostics)
    }
}

/// What makes a text unfit before its first token is looked at.
private func unreadable(_ source: SourceText, _ limits: Limits) -> Diagnostic? {
    let bytes = source.bytes
    guard bytes.count <= limits.textBytes else {
        return Diagnostic(
            .error, "the file has \(bytes.count) bytes, more than the \(limits.textBytes) allowed",
            at: SourceLocation(file: source.file, line: 1, column: 1))
    }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
        return Diagnostic(
            .error, "the file starts with the mark of UTF-16 and is not valid UTF-16",
            at: SourceLocation(file: source.file, line: 1, column: 1), remedy: "save the file as UTF-8")
    }
    if let index = bytes.firstIndex(of: 0) {
        return Diagnostic(
            .error, "the file has a NUL byte", at: location(source, index),
            remedy: "a compose file is text: remove the byte, or check that this is the right file")
    }
    guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
    return Diagnostic(
        .error, "the file is not UTF-8", at: location(source, firstInvalidByte(bytes)),
        remedy: "save the file as UTF-8")
}

private func location(_ source: SourceText, _ offset: Int) -> SourceLocation {
    let place = source.place(ofOffset: offset)
    return SourceLocation(file: source.file, line: place.line, column: place.column)
}

private func firstInvalidByte(_ bytes: [UInt8]) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
    return min(offset, bytes.count - 1)
}

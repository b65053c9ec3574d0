import YAML

/// An `env_file` of `format: raw`: `NAME=value` lines, taken as they are; a name alone has the value from outside.
///
/// Source: the Compose specification, "env_file", format, and `docker run`'s `--env-file`.
enum RawEnvFile {
    /// - Parameter file: the file's name for messages; a message never shows a value.
    static func parse(_ bytes: [UInt8], file: String, lookup: (String) -> String?) -> DotEnv.Result {
        var result = DotEnv.Result()
        let source = SourceText(file: file, bytes: bytes)
        func fail(_ message: String, _ line: Int, _ remedy: String) {
            let location = SourceLocation(file: file, line: line, column: 1)
            result.diagnostics.append(Diagnostic(.error, message, at: location, source: .withheld, remedy: remedy))
        }
        for number in 1...source.lineCount {
            guard let text = String(validating: source.lineBytes(number), as: UTF8.self) else {
                fail("the line is not UTF-8 text", number, "save the file as UTF-8")
                continue
            }
            let line = String(text.unicodeScalars.drop { $0.properties.isWhitespace })
            guard !line.isEmpty, !line.utf8.starts(with: "#".utf8) else { continue }
            let (name, value) = Text.cut(line, at: UInt8(ascii: "="))
            if name.isEmpty {
                fail("a variable's name is missing", number, "write NAME=value")
            } else if name.utf8.contains(0x20) || name.utf8.contains(0x09) {
                fail("a variable's name cannot have a space", number, "write NAME=value")
            } else if let value = value ?? lookup(line) {
                result.values[name] = value
            }
        }
        return result
    }
}

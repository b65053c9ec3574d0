/// An `env_file` of `format: raw`: `NAME=value` lines, taken as they are.
///
/// Source: the Compose specification, "env_file", format.
enum RawEnvFile {
    static func parse(_ bytes: [UInt8]) -> DotEnv.Result {
        var result = DotEnv.Result()
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            let (name, value) = Text.cut(text, at: UInt8(ascii: "="))
            if let value { result.values[name] = value }
        }
        return result
    }
}

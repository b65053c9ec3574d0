import JSON

extension JSONFileLine {
    /// Reads one line of a log file, without its newline; nil where it is none (a torn write, another program's).
    static func parse(_ line: [UInt8], instance: String) -> LogEntry? {
        guard case .object(let members) = try? JSONValue.parse(line) else { return nil }
        var text: String?
        var stream: LogStream?
        var time: LogTime?
        for member in members {
            guard case .string(let value) = member.value else { continue }
            switch member.name {
            case "log": text = value
            case "stream": stream = LogStream(rawValue: value)
            case "time": time = LogTime(value)
            default: break
            }
        }
        guard let text, let stream, let time else { return nil }
        return LogEntry(instance: instance, stream: stream, time: time, bytes: Array(text.utf8))
    }
}

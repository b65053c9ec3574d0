/// Where a service wrote it.
public enum LogStream: String, Sendable {
    case stdout, stderr
}

/// One line, or part of a very long line, that a service wrote.
public struct LogEntry: Sendable, Equatable {
    /// `web-1`.
    public var instance: String
    public var stream: LogStream
    public var time: LogTime
    /// UTF-8, with its newline; a part of a line longer than 16 KiB, or a last line that the service did
    /// not end, has none.
    public var bytes: [UInt8]

    public init(instance: String, stream: LogStream, time: LogTime, bytes: [UInt8]) {
        self.instance = instance
        self.stream = stream
        self.time = time
        self.bytes = bytes
    }
}

/// Where a service wrote it.
public enum LogStream: String, Sendable {
    case stdout, stderr
}

/// Whose output to read.
public enum LogSelection: Sendable {
    /// All instances of all services. One-offs are not among them.
    case all
    /// All instances of these, those to come too.
    case services([String])
    /// `web-1`.
    case instance(String)

    func includes(_ instance: String) -> Bool {
        switch self {
        case .all: !instance.utf8.contains(UInt8(ascii: "~"))
        case .instance(let name): name == instance
        case .services(let names):
            instance.lastIndex(of: "-").map { names.contains(String(instance[..<$0])) } ?? false
        }
    }
}

/// One line, or part of a very long line, that a service wrote.
public struct LogEntry: Sendable, Equatable {
    /// `web-1`.
    public var instance: String
    public var stream: LogStream
    public var time: LogTime
    /// As they were written, with the newline; a part of a line longer than 16 KiB, or a last line that the service did
    /// not end, has none. What was kept as JSON is UTF-8.
    public var bytes: [UInt8]

    /// Whether the next entry of this instance and stream goes on with the same line. What is shorter than a part was the last that
    /// the service wrote before its output ended.
    public var isPart: Bool { bytes.last != 10 && bytes.count >= LineSplitter.partLimit }

    public init(instance: String, stream: LogStream, time: LogTime, bytes: [UInt8]) {
        self.instance = instance
        self.stream = stream
        self.time = time
        self.bytes = bytes
    }

    init(instance: String, stream: LogStream, time: LogTime, text: UnsafeRawBufferPointer, endsLine: Bool) {
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count + 1) { memory, count in
            UnsafeMutableRawBufferPointer(memory).copyMemory(from: text)
            if endsLine { memory[text.count] = 10 }
            count = text.count + (endsLine ? 1 : 0)
        }
        self.init(instance: instance, stream: stream, time: time, bytes: bytes)
    }
}

import Glibc
import Linux

/// Takes one instance's output and sees to it that each line goes where it is to go: to files, to the journal, to a syslog.
final class LogWriter {
    private var files: LogFiles?
    private let destination: LogDestination?
    private var stdout = LineSplitter()
    private var stderr = LineSplitter()

    /// - Parameters:
    ///   - stack: names the instance elsewhere, together with its own name.
    ///   - directory: the project's log directory, open for as long as this value lives.
    ///   - plan: nil: files of the usual size.
    init(instance: String, stack: String, directory: Int32, plan: LogPlan? = nil) {
        let plan = plan ?? LogPlan()
        var limits = LogLimits()
        if let size = plan.fileSize { limits.fileSize = size }
        if let count = plan.fileCount { limits.fileCount = count }
        files = plan.isKept ? LogFiles(of: instance, in: directory, limits: limits) : nil
        destination = plan.destination.map { LogDestination($0, instance: "\(stack)-\(instance)") }
    }

    /// The socket that has to take more before there may be more output; nil where nothing is waited for.
    var congestion: Int32? { destination?.congestion }

    /// How much to read at once, in bytes: of lines that go elsewhere each becomes a message of its own.
    var readLimit: Int { destination == nil ? .max : 4096 }

    /// Has it told before the socket is closed that ``congestion`` has named.
    func onClose(_ body: @escaping () -> Void) { destination?.willClose = body }

    /// The socket takes more.
    func resume() { destination?.flush() }

    /// Takes what the service wrote.
    /// - Parameter scratch: memory for the encoded lines, shared by all writers; its content is lost.
    func receive(
        _ bytes: UnsafeRawBufferPointer, from stream: LogStream, at time: LogTime = .now(), scratch: inout LineBuffer
    ) {
        scratch.removeAll()
        var encoder = LineEncoder(stream, isKept: files != nil, destination)
        switch stream {
        case .stdout: stdout.consume(bytes, at: time) { encoder.put($0, endsLine: $1, $2, &scratch) }
        case .stderr: stderr.consume(bytes, at: time) { encoder.put($0, endsLine: $1, $2, &scratch) }
        }
        pass(scratch)
    }

    /// The service closed this output, or ended.
    func finish(_ stream: LogStream, at time: LogTime = .now()) {
        var lines = LineBuffer()
        var encoder = LineEncoder(stream, isKept: files != nil, destination)
        switch stream {
        case .stdout: stdout.finish(at: time) { encoder.put($0, endsLine: $1, $2, &lines) }
        case .stderr: stderr.finish(at: time) { encoder.put($0, endsLine: $1, $2, &lines) }
        }
        pass(lines)
    }

    private func pass(_ lines: borrowing LineBuffer) {
        lines.withBytes { files?.write($0) }
        destination?.flush()
    }
}

/// Puts the lines of one read where they are to go. A value of its own, since each access to a member of a class is checked while it runs.
private struct LineEncoder {
    private let stream: LogStream
    private let isKept: Bool
    private let destination: LogDestination?
    /// Of the line put last.
    private var tail: JSONFileLine.Tail?

    init(_ stream: LogStream, isKept: Bool, _ destination: LogDestination?) {
        self.stream = stream
        self.isKept = isKept
        self.destination = destination
    }

    mutating func put(_ text: UnsafeRawBufferPointer, endsLine: Bool, _ time: LogTime, _ lines: inout LineBuffer) {
        if isKept {
            let tail = self.tail.flatMap { $0.time == time ? $0 : nil } ?? JSONFileLine.Tail(stream, time)
            self.tail = tail
            JSONFileLine.append(text, newline: endsLine, tail: tail, to: &lines)
        }
        destination?.add(text, endsLine: endsLine, stream, time)
    }
}

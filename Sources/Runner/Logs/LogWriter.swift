import Glibc
import Linux

/// Takes one instance's output and sees to it that it goes where it is to go: to files, to the journal, to a syslog.
final class LogWriter {
    private var files: LogFiles?
    private let form: LogForm
    private let destination: LogDestination?
    private var stdout = LineSplitter()
    private var stderr = LineSplitter()

    /// What is made lines at once, in bytes: each of them may become many times as long.
    private static let piece = 64 * 1024

    /// - Parameters:
    ///   - stack: names the instance elsewhere, together with its own name.
    ///   - directory: the project's log directory, open for as long as this value lives.
    ///   - plan: nil: files of the usual form and size.
    ///   - isAdopted: whether the instance runs already, and may be in the middle of a line.
    init(instance: String, stack: String, directory: Int32, plan: LogPlan? = nil, isAdopted: Bool = false) {
        let plan = plan ?? LogPlan()
        form = plan.form ?? .local
        var limits = LogLimits()
        if let size = plan.fileSize { limits.fileSize = size }
        if let count = plan.fileCount { limits.fileCount = count }
        files = plan.isKept ? LogFiles(of: instance, in: directory, form: form, limits: limits, isAdopted: isAdopted) : nil
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
        if form == .local { files?.write(bytes, from: stream, at: time) }
        guard form == .jsonFile || destination != nil else { return }
        for start in stride(from: 0, to: bytes.count, by: Self.piece) {
            scratch.removeAll()
            var encoder = lineEncoder(stream)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.piece, bytes.count)])
            switch stream {
            case .stdout: stdout.consume(piece, at: time) { encoder.put($0, endsLine: $1, $2, &scratch) }
            case .stderr: stderr.consume(piece, at: time) { encoder.put($0, endsLine: $1, $2, &scratch) }
            }
            pass(scratch, stream, time)
        }
    }

    /// The service closed this output, or ended.
    func finish(_ stream: LogStream, at time: LogTime = .now()) {
        files?.end(stream, at: time)
        var lines = LineBuffer()
        var encoder = lineEncoder(stream)
        switch stream {
        case .stdout: stdout.finish(at: time) { encoder.put($0, endsLine: $1, $2, &lines) }
        case .stderr: stderr.finish(at: time) { encoder.put($0, endsLine: $1, $2, &lines) }
        }
        pass(lines, stream, time)
    }

    private func lineEncoder(_ stream: LogStream) -> LineEncoder {
        LineEncoder(stream, isKept: files != nil && form == .jsonFile, destination)
    }

    private func pass(_ lines: borrowing LineBuffer, _ stream: LogStream, _ time: LogTime) {
        lines.withBytes { files?.write($0, from: stream, at: time) }
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

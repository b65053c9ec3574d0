import Glibc
import Linux

/// How much of an instance's output is kept.
public struct LogLimits: Sendable, Equatable {
    /// In bytes; a file that has reached it is rotated before the next write.
    public var fileSize: Int64
    /// With the one being written.
    public var fileCount: Int

    public init(fileSize: Int64 = 10 * 1024 * 1024, fileCount: Int = 3) {
        self.fileSize = fileSize
        self.fileCount = fileCount
    }
}

/// Writes one instance's log: `<instance>.log`, and what was rotated as `.log.1` (newer), `.log.2`, ….
///
/// Every call writes whole lines with one write(2), so a reader, or a successor after a crash, finds no
/// torn ones. A disk that is full costs lines, never the service: it must not block on its own output.
final class LogWriter {
    let instance: String
    private let directory: Int32
    private let limits: LogLimits
    private var file: FileDescriptor?
    private var size: Int64 = 0
    private var stdout = LineSplitter()
    private var stderr = LineSplitter()

    /// - Parameter directory: the project's log directory, open for as long as this value lives.
    init(instance: String, directory: Int32, limits: LogLimits = LogLimits()) {
        self.instance = instance
        self.directory = directory
        self.limits = limits
    }

    /// Takes what the service wrote.
    /// - Parameter scratch: memory for the encoded lines, shared by all writers; its content is lost.
    func receive(
        _ bytes: UnsafeRawBufferPointer, from stream: LogStream, at time: LogTime = .now(), scratch: inout [UInt8]
    ) {
        scratch.removeAll(keepingCapacity: true)
        switch stream {
        case .stdout: stdout.consume(bytes, at: time) { JSONFileLine.append($0, newline: $1, stream: stream, time: $2, to: &scratch) }
        case .stderr: stderr.consume(bytes, at: time) { JSONFileLine.append($0, newline: $1, stream: stream, time: $2, to: &scratch) }
        }
        write(scratch)
    }

    /// The service closed this output, or ended.
    func finish(_ stream: LogStream, at time: LogTime = .now()) {
        var lines: [UInt8] = []
        switch stream {
        case .stdout: stdout.finish(at: time) { JSONFileLine.append($0, newline: $1, stream: stream, time: $2, to: &lines) }
        case .stderr: stderr.finish(at: time) { JSONFileLine.append($0, newline: $1, stream: stream, time: $2, to: &lines) }
        }
        write(lines)
    }

    private func write(_ lines: [UInt8]) {
        guard !lines.isEmpty else { return }
        if file != nil && size >= limits.fileSize { rotate() }
        if file == nil { open() }
        guard let number = file?.number else { return }
        let written = lines.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
        if written > 0 { size += Int64(written) }
        if written >= 0 && written < lines.count {
            // A full disk took a part: cut it off, so that what comes later is readable.
            size -= Int64(written)
            _ = ftruncate(number, off_t(size))
        }
    }

    private func open() {
        guard let opened = try? FileDescriptor.open(
            Self.fileName(instance), in: directory, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
            mode: 0o600, resolution: [.noSymlinks, .beneath]),
            let status = try? opened.status(), status.st_mode & S_IFMT == S_IFREG
        else { return }
        size = Int64(status.st_size)
        file = consume opened
    }

    private func rotate() {
        file = nil
        let name = Self.fileName(instance)
        if limits.fileCount < 2 {
            unlinkat(directory, name, 0)
            return
        }
        for number in stride(from: limits.fileCount - 2, through: 1, by: -1) {
            renameat(directory, "\(name).\(number)", directory, "\(name).\(number + 1)")
        }
        renameat(directory, name, directory, "\(name).1")
    }

    static func fileName(_ instance: String) -> String { "\(instance).log" }

    /// Removes everything kept of an instance.
    static func removeFiles(of instance: String, in directory: Int32, limits: LogLimits = LogLimits()) {
        let name = fileName(instance)
        unlinkat(directory, name, 0)
        for number in 1..<max(limits.fileCount, 2) { unlinkat(directory, "\(name).\(number)", 0) }
    }
}

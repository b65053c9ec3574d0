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

/// The files of one instance's log: `<instance>.log`, and what was rotated as `.log.1` (newer), `.log.2`, ….
///
/// What was read at once is written at once, but where a file is full: there it is cut behind a line. A disk that is full costs output,
/// never the service: it must not block on what it prints. Once there is room again, a line says how much is missing.
struct LogFiles: ~Copyable {
    private let instance: String
    private let directory: Int32
    private let form: LogForm
    private let limits: LogLimits
    private var file: FileDescriptor?
    private var size: Int64 = 0
    /// The streams that are in the middle of a line; they are looked up in the file where the instance has a predecessor's.
    private var unfinished: LogStreams = []
    private var isAdopted: Bool
    /// Bytes that could not be written, and why.
    private var lost: (count: Int, code: Int32) = (0, 0)

    /// - Parameters:
    ///   - directory: the project's log directory, open for as long as this value lives.
    ///   - isAdopted: whether the instance runs already, and may be in the middle of a line.
    init(of instance: String, in directory: Int32, form: LogForm, limits: LogLimits, isAdopted: Bool) {
        self.instance = instance
        self.directory = directory
        self.form = form
        self.limits = limits
        self.isAdopted = isAdopted
    }

    /// Keeps what a stream has brought: as it was read, or, where the form has lines, as these.
    mutating func write(_ bytes: UnsafeRawBufferPointer, from stream: LogStream, at time: LogTime) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if file != nil && size >= limits.fileSize { moveOn() }
            if file == nil { open() }
            guard let number = file?.number else { return lose(rest.count, errno) }
            if lost.count > 0 {
                guard writeNoteOfLoss(at: time, to: number) else { return lose(rest.count, errno) }
                lost = (0, 0)
            }
            let part = rest.prefix(upToLimit(UnsafeRawBufferPointer(rebasing: rest)))
            if !put(UnsafeRawBufferPointer(rebasing: part), stream, time, to: number) { lose(part.count, errno) }
            rest = rest[part.endIndex...]
        }
    }

    /// Has those who read know that a line which this stream has begun goes no further.
    mutating func end(_ stream: LogStream, at time: LogTime) {
        guard form == .local else { return }
        if file == nil && isAdopted { open(creating: false) }
        guard let number = file?.number, unfinished.remove(LogStreams(stream)) != nil else { return }
        _ = put(UnsafeRawBufferPointer(start: nil, count: 0), stream, time, to: number)
    }

    /// How much of these bytes the file takes at once: up to the end of the line that reaches its size, or to where that line gets very long.
    private func upToLimit(_ bytes: UnsafeRawBufferPointer) -> Int {
        let (overhead, most) = form == .local ? (LogFrame.headSize + LogFrame.tailSize, LogFrame.payloadLimit) : (0, .max)
        let room = Int(clamping: max(limits.fileSize - size - Int64(overhead), 1))
        guard bytes.count > room else { return min(bytes.count, most) }
        let reach = form == .local ? min(room - 1 + LineSplitter.partLimit, bytes.count) : bytes.count
        return min(bytes[(room - 1)..<reach].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? reach, most)
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer, _ stream: LogStream, _ time: LogTime, to number: Int32) -> Bool {
        var written = 0, wanted = bytes.count
        switch form {
        case .jsonFile: written = Glibc.write(number, bytes.baseAddress, bytes.count)
        case .local:
            let frame = LogFrame(stream: stream, unfinished: unfinished, length: bytes.count, time: time)
            wanted = frame.size
            written = frame.write(bytes, to: number)
        }
        if written == wanted {
            size += Int64(written)
            if bytes.last ?? 10 == 10 { unfinished.remove(LogStreams(stream)) } else { unfinished.insert(LogStreams(stream)) }
            return true
        }
        // A full disk took a part: cut it off, so that what comes later is readable. Somebody may have emptied the file meanwhile.
        if written >= 0 {
            var status = stat()
            if fstat(number, &status) == 0, status.st_size >= off_t(written) { _ = ftruncate(number, status.st_size - off_t(written)) }
            errno = ENOSPC
        }
        return false
    }

    private mutating func lose(_ count: Int, _ code: Int32) {
        lost = (lost.count + count, code)
        // Nobody knows how their lines went on.
        unfinished = []
    }

    private mutating func writeNoteOfLoss(at time: LogTime, to number: Int32) -> Bool {
        let text = Array("stackup: about \(lost.count) bytes of output were lost here: \(String(cString: strerror(lost.code)))".utf8)
        switch form {
        case .local: return (text + [10]).withUnsafeBytes { put($0, .stderr, time, to: number) }
        case .jsonFile:
            var line = LineBuffer()
            text.withUnsafeBytes { JSONFileLine.append($0, newline: true, tail: .init(.stderr, time), to: &line) }
            return line.withBytes { put($0, .stderr, time, to: number) }
        }
    }

    /// Opens the file that is being written. One whose end is torn, or that is of the other form, becomes the newest of the rotated ones.
    private mutating func open(creating: Bool = true) {
        for _ in 0..<2 where file == nil {
            guard let opened = try? FileDescriptor.open(
                Self.fileName(instance), in: directory, O_RDWR | O_APPEND | (creating ? O_CREAT : 0) | O_NOFOLLOW | O_NONBLOCK,
                mode: creating ? 0o600 : 0, resolution: [.noSymlinks, .beneath]),
                let status = try? opened.status(), status.st_mode & S_IFMT == S_IFREG
            else { return }
            size = Int64(status.st_size)
            if let unfinished = form.unfinished(atEndOf: opened.number, size: size) {
                if isAdopted { self.unfinished = unfinished }
                file = consume opened
            } else {
                moveOn()
            }
            isAdopted = false
        }
    }

    /// Makes room for a new file.
    private mutating func moveOn() {
        file = nil
        for move in Self.moves(of: instance, fileCount: limits.fileCount) { move.make(in: directory) }
    }

    /// One of the steps that make room for a new file.
    struct Move {
        let instance: String
        let number: Int
        /// Otherwise the file gets the next number.
        let isRemoval: Bool

        /// - Returns: whether there was such a file.
        @discardableResult
        func make(in directory: Int32) -> Bool {
            let name = fileName(instance, number)
            return (isRemoval ? unlinkat(directory, name, 0) : renameat(directory, name, directory, fileName(instance, number + 1))) == 0
        }
    }

    /// All of them, in the order that ``LogSeries`` relies on.
    ///
    /// What is too old is removed and not replaced: ext4 writes a file through to the disk that is renamed onto another one (auto_da_alloc, ext4(5)).
    static func moves(of instance: String, fileCount: Int) -> some Sequence<Move> {
        let last = max(fileCount, 1) - 1
        return stride(from: last, through: 0, by: -1).lazy.map { Move(instance: instance, number: $0, isRemoval: $0 == last) }
    }

    // MARK: Names

    /// - Parameter number: 0 for the file that is being written; the higher, the older it is.
    static func fileName(_ instance: String, _ number: Int = 0) -> String { number == 0 ? "\(instance).log" : "\(instance).log.\(number)" }

    /// Whose file that is; nil for one that is no log's.
    static func instance(ofFile name: String) -> String? {
        if name.hasSuffix(".log") { return String(name.dropLast(4)) }
        let number = name.utf8.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        let rest = name.dropLast(number)
        return number > 0 && rest.hasSuffix(".log.") ? String(rest.dropLast(5)) : nil
    }

    /// Removes everything kept of an instance.
    static func remove(of instance: String, in directory: Int32) {
        unlinkat(directory, fileName(instance), 0)
        // To look what there is would mean to go through the logs of a whole stack for each instance. They are numbered in a row, those of a
        // plan that kept more files too, but where somebody was killed while the files were moved on.
        var number = 0, missing = 0
        while missing < LogSeries.gap {
            number += 1
            missing = unlinkat(directory, fileName(instance, number), 0) == 0 ? 0 : missing + 1
        }
    }

    /// Removes the logs of all instances but these.
    static func removeAll(besides instances: Set<String>, in directory: Int32) {
        for name in DirectoryListing.names(in: directory) {
            guard let instance = instance(ofFile: name), !instances.contains(instance) else { continue }
            unlinkat(directory, name, 0)
        }
    }
}

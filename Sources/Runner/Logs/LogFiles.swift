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
/// Only whole lines are written, with as few calls of write(2) as the files' size allows, so a reader, or a successor after a crash, finds no
/// torn ones. A disk that is full costs lines, never the service: it must not block on its own output. Once there is room again, a line
/// says how much is missing.
struct LogFiles: ~Copyable {
    private let name: String
    private let directory: Int32
    private let limits: LogLimits
    private var file: FileDescriptor?
    private var size: Int64 = 0
    /// Bytes that could not be written, and why.
    private var lost: (count: Int, code: Int32) = (0, 0)

    /// - Parameter directory: the project's log directory, open for as long as this value lives.
    init(of instance: String, in directory: Int32, limits: LogLimits) {
        name = Self.fileName(instance)
        self.directory = directory
        self.limits = limits
    }

    mutating func write(_ lines: UnsafeRawBufferPointer) {
        var rest = lines[...]
        while !rest.isEmpty {
            if file != nil && size >= limits.fileSize { rotate() }
            // The line that reaches the size is the file's last.
            let room = Int(clamping: max(limits.fileSize - size, 1))
            let reaching = rest.count <= room ? nil : rest[(rest.startIndex + room - 1)...].firstIndex(of: UInt8(ascii: "\n"))
            let part = rest[...(reaching ?? rest.endIndex - 1)]
            write(part: UnsafeRawBufferPointer(rebasing: part))
            rest = rest[part.endIndex...]
        }
    }

    private mutating func write(part lines: UnsafeRawBufferPointer) {
        if file == nil { open() }
        guard let number = file?.number else { return lose(lines.count, errno) }
        if lost.count > 0 {
            guard noteOfLoss().withBytes({ put($0, number) }) else { return lose(lines.count, errno) }
            lost = (0, 0)
        }
        if !put(lines, number) { lose(lines.count, errno) }
    }

    private mutating func put(_ lines: UnsafeRawBufferPointer, _ number: Int32) -> Bool {
        let written = Glibc.write(number, lines.baseAddress, lines.count)
        if written == lines.count {
            size += Int64(written)
            return true
        }
        // A full disk took a part: cut it off, so that what comes later is readable.
        if written >= 0 {
            _ = ftruncate(number, off_t(size))
            errno = ENOSPC
        }
        return false
    }

    private mutating func lose(_ count: Int, _ code: Int32) { lost = (lost.count + count, code) }

    private func noteOfLoss() -> LineBuffer {
        let text = "stackup: about \(lost.count) bytes of output were lost here: \(String(cString: strerror(lost.code)))"
        var line = LineBuffer()
        Array(text.utf8).withUnsafeBytes { JSONFileLine.append($0, newline: true, tail: .init(.stderr, .now()), to: &line) }
        return line
    }

    private mutating func open() {
        guard let opened = try? FileDescriptor.open(
            name, in: directory, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
            mode: 0o600, resolution: [.noSymlinks, .beneath]),
            let status = try? opened.status(), status.st_mode & S_IFMT == S_IFREG
        else { return }
        size = Int64(status.st_size)
        file = consume opened
    }

    private mutating func rotate() {
        file = nil
        if limits.fileCount < 2 {
            unlinkat(directory, name, 0)
            return
        }
        // Removed and not replaced: ext4 writes a file through to the disk that is renamed onto another one (auto_da_alloc, ext4(5)).
        unlinkat(directory, "\(name).\(limits.fileCount - 1)", 0)
        for number in stride(from: limits.fileCount - 2, through: 1, by: -1) {
            renameat(directory, "\(name).\(number)", directory, "\(name).\(number + 1)")
        }
        renameat(directory, name, directory, "\(name).1")
    }

    static func fileName(_ instance: String) -> String { "\(instance).log" }

    /// Removes everything kept of an instance.
    static func remove(of instance: String, in directory: Int32) {
        let name = fileName(instance)
        unlinkat(directory, name, 0)
        // To look what there is would mean to go through the logs of a whole stack for each instance. They are numbered in a row, those of a
        // plan that kept more files too, but where somebody was killed while the files were moved on.
        var number = 0, missing = 0
        while missing < 3 {
            number += 1
            missing = unlinkat(directory, "\(name).\(number)", 0) == 0 ? 0 : missing + 1
        }
    }
}

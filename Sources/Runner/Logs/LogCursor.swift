import Glibc
import Linux

/// Reads one instance's log from the oldest file to the newest, across rotations while it is read.
final class LogCursor {
    let instance: String
    private let directory: Int32
    private var file: FileDescriptor?
    private var inode: ino_t = 0
    /// Read, and not yet parsed, from `start` on.
    private var buffer: [UInt8] = []
    private var start = 0
    /// No newline lies between ``start`` and here.
    private var searched = 0
    /// The next entry, once it was looked at.
    private var head: LogEntry?
    private let since: LogTime?

    /// - Parameters:
    ///   - directory: the project's log directory, open for as long as this value lives.
    ///   - tail: how many of the newest lines to begin with; nil for all.
    ///   - since: older entries are left out.
    init(instance: String, directory: Int32, tail: Int?, since: LogTime?) {
        self.instance = instance
        self.directory = directory
        self.since = since
        if let tail {
            startAtTail(tail)
        } else {
            openOldest()
        }
    }

    /// The next entry, if it is there by now.
    func peek() -> LogEntry? {
        while head == nil {
            guard let line = nextLine() else { return nil }
            if let entry = JSONFileLine.parse(line, instance: instance), since.map({ entry.time >= $0 }) ?? true {
                head = entry
            }
        }
        return head
    }

    /// Takes the entry that ``peek()`` showed.
    func advance() { head = nil }

    private func nextLine() -> [UInt8]? {
        while true {
            if let end = newline() {
                let line = Array(buffer[start..<end])
                start = end + 1
                searched = start
                return line
            }
            guard fill() else { return nil }
        }
    }

    /// Where the next line ends; what was looked at before is not looked at again, however long the line is.
    private func newline() -> Int? {
        let place = buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, searched < bytes.count else { return nil }
            return memchr(base + searched, 10, bytes.count - searched).map { UnsafeRawPointer($0) - base }
        }
        if place == nil { searched = buffer.count }
        return place
    }

    private func empty() {
        buffer = []
        (start, searched) = (0, 0)
    }

    /// Reads more; false where nothing more is there now.
    private func fill() -> Bool {
        buffer.removeFirst(start)
        searched -= start
        start = 0
        if file == nil { openOldest() }
        while file != nil {
            // Looked at before reading: once a newer file is there, nothing is added to this one.
            let successor = self.successor()
            if read() > 0 || isTruncated() && read() > 0 { return true }
            guard let successor else { return false }
            // The end of a file is the end of a line: a torn one would swallow the next file's first.
            empty()
            open(successor)
        }
        return false
    }

    private func read() -> Int {
        guard let number = file?.number else { return 0 }
        // No line of ours is this long, even with every byte escaped.
        if buffer.count > 1 << 20 { empty() }
        let chunk = [UInt8](unsafeUninitializedCapacity: 64 * 1024) { memory, count in
            count = max(Glibc.read(number, memory.baseAddress, memory.count), 0)
        }
        buffer += chunk
        return chunk.count
    }

    /// Whether somebody has emptied the file, as people do to make room: it is read from its start again.
    private func isTruncated() -> Bool {
        guard let number = file?.number else { return false }
        var status = stat()
        guard fstat(number, &status) == 0, lseek(number, 0, SEEK_CUR) > status.st_size else { return false }
        empty()
        return lseek(number, 0, SEEK_SET) == 0
    }

    // MARK: Files

    /// Numbered from 0, the one being written.
    private func name(_ number: Int) -> String {
        let name = LogFiles.fileName(instance)
        return number == 0 ? name : "\(name).\(number)"
    }

    private func inode(_ name: String) -> ino_t? {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return status.st_ino
    }

    /// How many rotated files there are.
    private func rotatedCount() -> Int {
        var count = 0
        while inode(name(count + 1)) != nil { count += 1 }
        return count
    }

    /// The file after the open one; nil where that is the newest.
    private func successor() -> String? {
        if inode(name(0)) == inode { return nil }
        let count = rotatedCount()
        for number in stride(from: 1, through: count, by: 1) where inode(name(number)) == inode {
            // Between the rename and the first line after it there is no newer file yet.
            return inode(name(number - 1)) == nil ? nil : name(number - 1)
        }
        // Rotated out, or removed with its instance and made anew: go on with the oldest that is left.
        if count > 0 { return name(count) }
        return inode(name(0)) == nil ? nil : name(0)
    }

    private func open(_ name: String) {
        file = nil
        guard let opened = try? FileDescriptor.open(
            name, in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolution: [.noSymlinks, .beneath]),
            let status = try? opened.status(), status.st_mode & S_IFMT == S_IFREG
        else { return }
        inode = status.st_ino
        file = consume opened
    }

    private func openOldest() {
        let count = rotatedCount()
        open(name(count))
    }

    // MARK: Tail

    /// Goes back file by file until `lines` lines lie ahead.
    private func startAtTail(_ lines: Int) {
        let count = rotatedCount()
        var missing = lines
        for number in 0...count {
            open(name(number))
            guard let descriptor = file?.number, let size = try? file?.status().st_size else { continue }
            let (offset, found) = Self.offset(ofLast: missing, in: descriptor, size: Int64(size))
            missing -= found
            lseek(descriptor, off_t(offset), SEEK_SET)
            if missing <= 0 { return }
        }
        // Fewer lines than asked for: the oldest file is open at its start.
    }

    /// Where the last `lines` lines of a file begin, and how many it has of them.
    private static func offset(ofLast lines: Int, in descriptor: Int32, size: Int64) -> (Int64, Int) {
        guard lines > 0 else { return (size, 0) }
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        var end = size
        var newlines = 0
        while end > 0 {
            let length = Int(min(Int64(chunk.count), end))
            let begin = end - Int64(length)
            guard pread(descriptor, &chunk, length, off_t(begin)) == length else { break }
            for index in stride(from: length - 1, through: 0, by: -1) where chunk[index] == 10 {
                newlines += 1
                // The first newline from the end closes the last line; the one before `lines` of them ends what is skipped.
                if newlines == lines + 1 { return (begin + Int64(index) + 1, lines) }
            }
            end = begin
        }
        return (0, newlines)
    }
}

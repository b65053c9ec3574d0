import Glibc
import Linux

/// Reads one instance's log from the oldest file to the newest, across rotations while it is read.
final class LogCursor {
    let instance: String
    private let directory: Int32
    private var file: FileDescriptor?
    private var inode: ino_t = 0
    /// nil as long as the file is empty.
    private var form: LogForm?
    /// What of the file was there when it was looked at, in bytes.
    private var size: Int64 = 0
    /// Whether nothing is added to it any more.
    private var isComplete = false
    private var frames: LogFrameReader
    private var lines: JSONFileReader
    /// How often it may look for more in this round; nil: once in this file, and in each that is newer.
    private var looks: Int?
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
        frames = LogFrameReader(instance: instance)
        lines = JSONFileReader(instance: instance)
        if let tail {
            startAtTail(tail)
        } else {
            openOldest()
        }
    }

    /// Begins with what is there by now. What comes while that is read is for the next round: a service may write faster than anybody reads.
    func beginRound() { looks = nil }

    /// The next entry of this round.
    func peek() -> LogEntry? {
        while head == nil {
            guard let entry = next() else { return nil }
            if since.map({ entry.time >= $0 }) ?? true { head = entry }
        }
        return head
    }

    /// Takes the entry that ``peek()`` showed.
    func advance() { head = nil }

    private func next() -> LogEntry? {
        while true {
            if let entry = read() { return entry }
            let left = looks ?? newerCount() + 1
            guard left > 0 else { return nil }
            looks = left - 1
            if isComplete { openSuccessor() } else if file == nil { openOldest() }
            guard let number = file?.number else { return nil }
            let known = size
            // Looked at first: once a newer file is there, nothing is added to this one.
            isComplete = successor() != nil
            size = Self.size(number)
            // Somebody has emptied it, as people do to make room.
            if size < (form == .jsonFile ? lines.position : frames.position) { start(number, at: 0) }
            if size == known && !isComplete { return nil }
        }
    }

    /// The next entry in what is known of the file.
    private func read() -> LogEntry? {
        guard let number = file?.number else { return nil }
        if form == nil {
            form = LogForm(of: number)
            if form == .jsonFile { frames.breakOff() }
        }
        if form == .jsonFile, let entry = frames.takeEnded() ?? lines.next(size: size) { return entry }
        return form == .local ? frames.next(size: size, isComplete: isComplete) : nil
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

    private static func size(_ descriptor: Int32) -> Int64 {
        var status = stat()
        // What is larger has no end within anybody's life.
        return fstat(descriptor, &status) == 0 ? min(Int64(status.st_size), 1 << 60) : 0
    }

    /// How many rotated files there are.
    private func rotatedCount() -> Int {
        var count = 0
        while inode(name(count + 1)) != nil { count += 1 }
        return count
    }

    /// Which of the log's files the open one is, and so how many are newer; nil where it is none of them any more.
    private func number() -> Int? {
        if inode(name(0)) == inode { return 0 }
        return (1..<rotatedCount() + 1).first { inode(name($0)) == inode }
    }

    /// How many files there are that are newer than the open one.
    private func newerCount() -> Int { number() ?? rotatedCount() + 1 }

    /// The file after the open one; nil where that is the newest.
    private func successor() -> (name: String, isNext: Bool)? {
        if let number = number() {
            // Between the rename and the first line after it there is no newer file yet.
            return number == 0 || inode(name(number - 1)) == nil ? nil : (name(number - 1), true)
        }
        // Rotated out, or removed with its instance and made anew: go on with the oldest that is left.
        let count = rotatedCount()
        return count == 0 && inode(name(0)) == nil ? nil : (name(count), false)
    }

    private func openSuccessor() {
        guard let successor = successor() else { return }
        if !successor.isNext { frames.breakOff() }
        open(successor.name)
    }

    private func open(_ name: String) {
        file = nil
        size = 0
        isComplete = false
        guard let opened = try? FileDescriptor.open(
            name, in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolution: [.noSymlinks, .beneath]),
            let status = try? opened.status(), status.st_mode & S_IFMT == S_IFREG
        else { return }
        inode = status.st_ino
        start(opened.number, at: 0)
        file = consume opened
    }

    /// Reads the file from there on.
    private func start(_ descriptor: Int32, at offset: Int64) {
        form = nil
        frames.open(descriptor, at: offset)
        lines.open(descriptor, at: offset)
    }

    private func openOldest() {
        let count = rotatedCount()
        open(name(count))
    }

    // MARK: Tail

    /// Goes back file by file until that many lines lie ahead.
    private func startAtTail(_ lines: Int) {
        let count = rotatedCount()
        var tail = LogTail(lines)
        for number in 0...count {
            open(name(number))
            guard let descriptor = file?.number else { continue }
            if let offset = tail.search(descriptor, size: Self.size(descriptor)) {
                start(descriptor, at: offset)
                break
            }
        }
        // Where there are fewer lines than asked for the oldest file is open at its start.
        for stream in [LogStream.stdout, .stderr] { frames.skip(tail.skipped(of: stream), of: stream) }
    }
}

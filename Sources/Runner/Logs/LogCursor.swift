import Glibc
import Linux

/// Reads one instance's log from the oldest file to the newest, across rotations while it is read.
final class LogCursor {
    let instance: String
    private let series: LogSeries
    private var file: LogSeries.Member?
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
    ///   - willLook: as ``LogSeries`` has it.
    init(instance: String, directory: Int32, tail: Int?, since: LogTime?, willLook: @escaping () -> Void = {}) {
        self.instance = instance
        series = LogSeries(of: instance, in: directory, willLook: willLook)
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
            let left = looks ?? series.newerCount(than: file?.inode) + 1
            guard left > 0 else { return nil }
            looks = left - 1
            if isComplete { openNewer() } else if file == nil { openOldest() }
            guard let number = file?.number, let inode = file?.inode else { return nil }
            let known = size
            // Looked at first: once a newer file is there, nothing is added to this one.
            isComplete = series.hasNewer(than: inode)
            size = series.size(number)
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

    private func openOldest() { open(series.openOldest()) }

    private func openNewer() {
        guard let inode = file?.inode else { return }
        var isNext = true
        if open(series.openNewer(than: inode, isNext: &isNext)), !isNext { frames.breakOff() }
    }

    /// Goes on with a file, where there is one; otherwise stays with the one that it has.
    @discardableResult
    private func open(_ opened: consuming LogSeries.Member?) -> Bool {
        guard let opened = consume opened else { return false }
        (size, isComplete) = (0, false)
        start(opened.number, at: 0)
        file = consume opened
        return true
    }

    /// Reads the file from there on.
    private func start(_ descriptor: Int32, at offset: Int64) {
        form = nil
        frames.open(descriptor, at: offset)
        lines.open(descriptor, at: offset)
    }

    // MARK: Tail

    /// Goes back file by file until that many lines lie ahead.
    private func startAtTail(_ lines: Int) {
        var tail = LogTail(lines)
        var isThere = open(series.openNewest())
        while isThere, let descriptor = file?.number, let inode = file?.inode {
            let isComplete = series.hasNewer(than: inode)
            if let offset = tail.search(descriptor, size: series.size(descriptor), isComplete: isComplete) {
                start(descriptor, at: offset)
                break
            }
            isThere = open(series.openOlder(than: inode))
        }
        // Where there are fewer lines than asked for the oldest file is open at its start.
        for stream in [LogStream.stdout, .stderr] { frames.skip(tail.skipped(of: stream), of: stream) }
    }
}

import Glibc
import Linux

/// Reads the logs of a project's instances, merged by time, and goes on while they are written.
///
/// ```swift
/// let reader = try LogReader(directory: directories.logs, tail: 10)
/// repeat { try reader.readAvailable { print($0) } } while try reader.waitForMore(milliseconds: 1000)
/// ```
/// Rotation, restarts and instances that come later are followed.
public final class LogReader {
    private let directory: PrivateFolder
    private let selection: LogSelection
    private let since: LogTime?
    private let until: LogTime?
    private var cursors: [LogCursor] = []
    private let watch: FileDescriptor

    /// - Parameters:
    ///   - directory: the project's log directory.
    ///   - selection: whose.
    ///   - tail: how many of the newest lines of each instance to begin with; nil for all.
    ///   - since: older entries are left out.
    ///   - until: newer ones are.
    /// - Throws: ``SupervisionError`` where the directory cannot be opened, `SystemCallError` where it cannot be watched (inotify(7)).
    public init(
        directory: String, of selection: LogSelection = .all, tail: Int? = nil, since: LogTime? = nil, until: LogTime? = nil
    ) throws {
        guard let folder = try RuntimeDirectory.openPrivate(directory, create: false) else {
            throw SystemCallError("openat2", directory, code: ENOENT)
        }
        self.directory = folder
        self.selection = selection
        self.since = since
        self.until = until
        self.watch = FileDescriptor(owning: try retryingInterrupts("inotify_init1") {
            inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        })
        let number = watch.number
        // By descriptor, so that what is watched is what was opened.
        let path = "/proc/self/fd/\(folder.descriptor.number)"
        try retryingInterrupts("inotify_add_watch", on: directory) {
            inotify_add_watch(number, path, UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF))
        }
        openCursors(tail: tail)
    }

    /// Readable as soon as there may be more (inotify(7)), for a caller with a poll(2) of its own.
    public var descriptor: Int32 { watch.number }

    /// Hands over every entry that is there when it begins, the oldest first.
    public func readAvailable(_ body: (LogEntry) throws -> Void) rethrows {
        drainWatch()
        openCursors(tail: nil)
        for cursor in cursors { cursor.beginRound() }
        while true {
            var next: LogCursor?
            var earliest: LogTime?
            for cursor in cursors {
                guard let time = cursor.peek()?.time else { continue }
                if earliest.map({ time < $0 }) ?? true { (next, earliest) = (cursor, time) }
            }
            guard let cursor = next else { return }
            // Most lines come in runs of one instance: stay with it while it is the earliest.
            let other = cursors.lazy.filter { $0 !== cursor }.compactMap { $0.peek()?.time }.min()
            while let entry = cursor.peek(), other.map({ entry.time <= $0 }) ?? true {
                cursor.advance()
                if until.map({ entry.time <= $0 }) ?? true { try body(entry) }
            }
        }
    }

    /// Waits until something was written.
    /// - Parameter milliseconds: how long at most; -1 for ever.
    /// - Returns: false when the time is over or a signal came.
    public func waitForMore(milliseconds: Int32) throws(SystemCallError) -> Bool {
        var wanted = pollfd(fd: watch.number, events: Int16(POLLIN), revents: 0)
        let count = poll(&wanted, 1, milliseconds)
        if count < 0 && errno != EINTR { throw SystemCallError("poll", "the logs") }
        return count > 0
    }

    private func drainWatch() {
        var events = [UInt8](repeating: 0, count: 4096)
        while read(watch.number, &events, events.count) > 0 {}
    }

    /// Opens what is there and not open yet. What appears later is read from its beginning.
    private func openCursors(tail: Int?) {
        var known = Set(cursors.map(\.instance))
        for name in DirectoryListing.names(in: directory.descriptor.number) {
            // While files are moved on, an instance has none but older ones for a moment.
            guard let instance = LogFiles.instance(ofFile: name), selection.includes(instance), known.insert(instance).inserted else { continue }
            cursors.append(LogCursor(instance: instance, directory: directory.descriptor.number, tail: tail, since: since))
        }
    }
}

/// Makes lines of frames, file by file.
///
/// A line may begin in one file and end in the next. Its time is that of the frame that ends it, so that times don't go back; the parts of
/// a very long one have the time of the first.
struct LogFrameReader {
    private let instance: String
    private var frames: LogFrames?
    /// Where the next frame begins.
    private(set) var position: Int64 = 0
    private var frame = LogFrame(stream: .stdout, unfinished: [], length: 0, time: LogTime(nanoseconds: 0))
    /// What of its payload has not been taken yet.
    private var payload: Range<Int64> = 0..<0
    private var stdout = Line(), stderr = Line()
    /// Lines that ended without a newline.
    private var ended: [LogEntry] = []

    private struct Line {
        var splitter = LineSplitter()
        /// How many bytes are left out before it is begun with.
        var skipped = 0

        /// - Returns: how many bytes it has taken.
        mutating func take(_ bytes: ArraySlice<UInt8>, _ frame: LogFrame, _ instance: String, _ entry: inout LogEntry?) -> Int {
            guard skipped == 0 else {
                let count = min(skipped, bytes.count)
                skipped -= count
                return count
            }
            return bytes.withUnsafeBytes {
                splitter.take($0, at: frame.time) {
                    entry = LogEntry(instance: instance, stream: frame.stream, time: $2, text: $0, endsLine: $1)
                }
            }
        }
    }

    init(instance: String) { self.instance = instance }

    /// Goes on with a file, which stays open until the next is.
    mutating func open(_ descriptor: Int32, at offset: Int64 = 0) {
        frames = LogFrames(in: descriptor)
        position = offset
        payload = 0..<0
    }

    /// Leaves out what a stream wrote first in the files to come, since only the end of it could be shown.
    mutating func skip(_ count: Int, of stream: LogStream) {
        if stream == .stdout { stdout.skipped = count } else { stderr.skipped = count }
    }

    /// What comes next has no part in the lines that were begun: they are ended. What was to be left out of them may be gone.
    mutating func breakOff() {
        for stream in [LogStream.stdout, .stderr] {
            end(stream)
            skip(0, of: stream)
        }
    }

    /// The next entry, if it is there.
    ///
    /// - Parameters:
    ///   - size: the file's, in bytes.
    ///   - isComplete: whether nothing more is added to it.
    mutating func next(size: Int64, isComplete: Bool) -> LogEntry? {
        while true {
            if let entry = takeEnded() { return entry }
            if !payload.isEmpty {
                if let entry = take() { return entry }
                continue
            }
            guard let place = frames?.first(from: &position, size: size, isComplete: isComplete) else {
                frames?.forget()
                return nil
            }
            (frame, payload, position) = (place.frame, place.payload, place.end)
            for stream in [LogStream.stdout, .stderr] where !frame.unfinished.contains(LogStreams(stream)) { end(stream) }
        }
    }

    /// A line that ended without a newline, if there is one that was not taken.
    mutating func takeEnded() -> LogEntry? { ended.isEmpty ? nil : ended.removeFirst() }

    /// Takes a line or less.
    private mutating func take() -> LogEntry? {
        let bytes = frames?.bytes(from: payload) ?? []
        var entry: LogEntry?
        // Nothing is there where the file has been cut meanwhile.
        var taken = payload.count
        if !bytes.isEmpty {
            taken = frame.stream == .stdout ? stdout.take(bytes, frame, instance, &entry) : stderr.take(bytes, frame, instance, &entry)
        }
        payload = payload.lowerBound + Int64(taken)..<payload.upperBound
        return entry
    }

    private mutating func end(_ stream: LogStream) {
        let emit = { (text: UnsafeRawBufferPointer, endsLine: Bool, time: LogTime) in
            ended.append(LogEntry(instance: instance, stream: stream, time: time, text: text, endsLine: endsLine))
        }
        if stream == .stdout { stdout.splitter.finish(at: frame.time, emit: emit) } else { stderr.splitter.finish(at: frame.time, emit: emit) }
    }
}

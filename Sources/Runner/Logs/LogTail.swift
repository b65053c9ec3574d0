import Glibc

/// Finds where the last lines of a log begin: goes through its files from the end of the newest backwards.
///
/// A line is counted where it ends. Where the last ones begin is another question, and another for each stream, whose lines may lie between
/// and in each other: the files are read from where the first of both begins, and of the other stream what comes before it is left out.
struct LogTail {
    private var missing: Int
    private var stdout = Stream(), stderr = Stream()
    /// The streams whose lines go on after where the search is: nil at the end of the log, where lines are that may go on later.
    private var continued: LogStreams?

    private struct Stream {
        /// The bytes behind where the search is.
        var seen = 0
        /// Those of them that are to be shown; nil as long as the search is in a line that is to be.
        var kept: Int?

        /// A line ends here, and behind it another begins.
        ///
        /// - Parameter missing: how many lines are to be shown beside those that were found.
        mutating func endLine(_ missing: inout Int) {
            if kept != nil { return }
            if missing > 0 { missing -= 1 } else { kept = seen }
        }
    }

    /// - Parameter lines: how many are to be shown.
    init(_ lines: Int) { missing = lines }

    /// How many bytes of a stream are to be left out.
    func skipped(of stream: LogStream) -> Int {
        let stream = stream == .stdout ? stdout : stderr
        return stream.seen - (stream.kept ?? stream.seen)
    }

    /// Goes back through a file.
    ///
    /// - Parameters:
    ///   - size: the file's, in bytes.
    ///   - isComplete: whether nothing more is added to it.
    /// - Returns: where in it the lines begin; nil where some begin in older files.
    mutating func search(_ descriptor: Int32, size: Int64, isComplete: Bool) -> Int64? {
        switch LogForm(of: descriptor) {
        case .jsonFile: searchLines(descriptor, size: size)
        case .local: searchFrames(descriptor, size: size, isComplete: isComplete)
        case nil: nil
        }
    }

    // MARK: Frames

    private mutating func searchFrames(_ descriptor: Int32, size: Int64, isComplete: Bool) -> Int64? {
        var frames = LogFrames(in: descriptor)
        var end = frames.end(size: size, isComplete: isComplete)
        while let place = frames.last(before: end) {
            end = place.offset
            let frame = place.frame
            if let continued {
                let ended = frames.unfinished(after: place).subtracting(continued)
                // Whoever reads forwards ends that of standard output first.
                if ended.contains(.stderr) { stderr.endLine(&missing) }
                if ended.contains(.stdout) { stdout.endLine(&missing) }
            }
            continued = frame.unfinished
            switch frame.stream {
            case .stdout: Self.search(place, &frames, &stdout, &missing)
            case .stderr: Self.search(place, &frames, &stderr, &missing)
            }
            guard missing == 0 else { continue }
            if !frame.unfinished.contains(.stdout), stdout.kept == nil { stdout.kept = stdout.seen }
            if !frame.unfinished.contains(.stderr), stderr.kept == nil { stderr.kept = stderr.seen }
            if stdout.kept != nil && stderr.kept != nil { return place.offset }
        }
        return nil
    }

    private static func search(_ place: LogFrames.Place, _ frames: inout LogFrames, _ stream: inout Stream, _ missing: inout Int) {
        var rest = place.payload
        while !rest.isEmpty && stream.kept == nil {
            let bytes = frames.bytes(upTo: rest)
            if bytes.isEmpty { break }
            var end = bytes.endIndex
            while stream.kept == nil, let newline = bytes[..<end].lastPlace(of: 10) {
                // What follows the newline.
                stream.seen += end - newline - 1
                stream.endLine(&missing)
                stream.seen += 1
                end = newline
            }
            stream.seen += end - bytes.startIndex
            rest = rest.lowerBound..<rest.upperBound - Int64(bytes.count)
        }
        stream.seen += rest.count
    }

    // MARK: Lines

    /// Each is whole, whatever stream it is of.
    private mutating func searchLines(_ descriptor: Int32, size: Int64) -> Int64? {
        if missing == 0 { return size }
        continued = []
        var chunk = [UInt8](repeating: 0, count: FileWindow.size)
        var end = size
        var newlines = 0
        while end > 0 {
            let length = Int(min(Int64(chunk.count), end))
            let begin = end - Int64(length)
            guard pread(descriptor, &chunk, length, off_t(begin)) == length else { break }
            for index in stride(from: length - 1, through: 0, by: -1) where chunk[index] == 10 {
                newlines += 1
                // The first newline from the end closes the last line; the one before `missing` of them ends what is skipped.
                if newlines == missing + 1 { return begin + Int64(index) + 1 }
            }
            end = begin
        }
        missing -= newlines
        return nil
    }
}

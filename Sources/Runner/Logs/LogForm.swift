import Glibc

/// What a log's files are made of, by the names of Docker's drivers.
///
/// Each file is of one form, and a log may have files of both: whoever reads them finds out by their first byte.
public enum LogForm: String, Codable, Sendable {
    /// Rows of ``LogFrame``s: what was read, as it was read.
    case local
    /// A ``JSONFileLine`` for each line.
    case jsonFile = "json-file"

    /// The form of an open file; nil as long as it is empty. What is damaged is looked through for frames.
    init?(of descriptor: Int32) {
        var first: UInt8 = 0
        guard pread(descriptor, &first, 1, 0) == 1 else { return nil }
        self = first == UInt8(ascii: "{") ? .jsonFile : .local
    }

    /// The streams whose last line is not ended in a file that can be gone on with; nil for a file of the other form, and for one whose end is
    /// torn.
    ///
    /// - Parameter size: the file's, in bytes.
    func unfinished(atEndOf descriptor: Int32, size: Int64) -> LogStreams? {
        if size == 0 { return [] }
        guard LogForm(of: descriptor) == self else { return nil }
        switch self {
        case .local:
            var frames = LogFrames(in: descriptor)
            return frames.end(size: size, isComplete: false) < size ? nil : frames.frame(endingAt: size).map { frames.unfinished(after: $0) }
        case .jsonFile:
            var last: UInt8 = 0
            return pread(descriptor, &last, 1, off_t(size - 1)) == 1 && last == UInt8(ascii: "\n") ? [] : nil
        }
    }
}

/// The text of one file, kept so that every node can say where it stands.
public final class SourceText: Sendable {
    /// The file as the person named it, `-` for standard input.
    public let file: String
    /// The absolute directory that relative paths in this text start from.
    public let baseDirectory: String
    /// The whole text, UTF-8.
    public let bytes: [UInt8]
    /// The offset of each line's first byte.
    private let lineStarts: [Int]
    /// For lines longer than ``longLine``, the number of characters before each of their blocks of that many bytes, by
    /// the line's index: a file of megabytes on one line may have thousands of errors.
    private let blockColumns: [Int: [Int]]

    /// Lines of more bytes are shown in part.
    private static let longLine = 1000
    /// So many characters are shown of them on each side of a place.
    private static let excerptReach = 300

    /// - Parameter bytes: UTF-8, or UTF-16 with a byte order mark, which is kept as UTF-8; a mark is left out.
    public init(file: String, baseDirectory: String = "/", bytes: [UInt8]) {
        self.file = file
        self.baseDirectory = baseDirectory
        let bytes = TextEncoding.utf8(bytes)
        self.bytes = bytes
        var starts = [0]
        bytes.withUnsafeBufferPointer { buffer in
            for index in buffer.indices where buffer[index] == UInt8(ascii: "\n") { starts.append(index + 1) }
        }
        lineStarts = starts
        blockColumns = Self.blockColumns(bytes, starts)
    }

    private static func blockColumns(_ bytes: [UInt8], _ starts: [Int]) -> [Int: [Int]] {
        var result: [Int: [Int]] = [:]
        for (index, start) in starts.enumerated() {
            let end = index + 1 < starts.count ? starts[index + 1] : bytes.count
            guard end - start > longLine else { continue }
            var columns: [Int] = []
            var column = 0
            for (offset, byte) in bytes[start..<end].enumerated() {
                if offset % longLine == 0 { columns.append(column) }
                if byte & 0xC0 != 0x80 { column += 1 }
            }
            result[index] = columns
        }
        return result
    }

    /// At least 1: an empty text has one empty line, and so has a text after its last line break.
    public var lineCount: Int { lineStarts.count }

    /// The bytes of a line without its line break.
    ///
    /// - Parameter number: counted from 1; a number outside the text gives an empty slice.
    public func lineBytes(_ number: Int) -> ArraySlice<UInt8> {
        guard number >= 1, number <= lineStarts.count else { return [] }
        let start = lineStarts[number - 1]
        var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return bytes[start..<end]
    }

    /// A line as text, without its line break; nil outside the text.
    public func line(_ number: Int) -> String? {
        guard number >= 1, number <= lineStarts.count else { return nil }
        return String(decoding: lineBytes(number), as: UTF8.self)
    }

    /// The byte offset of a place, counted as ``Place`` counts.
    func offset(line: Int, column: Int) -> Int {
        guard line >= 1, line <= lineStarts.count else { return bytes.count }
        var offset = lineStarts[line - 1]
        var rest = column - 1
        if let columns = blockColumns[line - 1], let block = columns.lastIndex(where: { $0 <= rest }) {
            offset += block * Self.longLine
            rest -= columns[block]
            while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
        }
        while rest > 0, offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") {
            offset += 1
            while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
            rest -= 1
        }
        return offset
    }

    fileprivate func excerpt(_ place: Place) -> Diagnostic.Source {
        let line = lineBytes(place.line)
        guard line.count > Self.longLine else {
            return .line(String(decoding: line, as: UTF8.self), column: place.column)
        }
        let center = min(offset(line: place.line, column: place.column), line.endIndex)
        var (start, end) = (center, center)
        for _ in 0..<Self.excerptReach {
            if start > line.startIndex { start -= 1 }
            while start > line.startIndex, bytes[start] & 0xC0 == 0x80 { start -= 1 }
            if end < line.endIndex { end += 1 }
            while end < line.endIndex, bytes[end] & 0xC0 == 0x80 { end += 1 }
        }
        let before = String(decoding: line[start..<center], as: UTF8.self)
        let isCut = start > line.startIndex
        return .line(
            (isCut ? "…" : "") + before + String(decoding: line[center..<end], as: UTF8.self)
                + (end < line.endIndex ? "…" : ""),
            column: before.unicodeScalars.count + (isCut ? 2 : 1))
    }

    /// Where a scalar's content starts that starts at an offset: behind its anchor, its tag, and the header of a block.
    fileprivate func contentOffset(_ start: Int) -> Int {
        var offset = start
        while offset < bytes.count, bytes[offset] == UInt8(ascii: "&") || bytes[offset] == UInt8(ascii: "!") {
            while offset < bytes.count, bytes[offset] > UInt8(ascii: " ") { offset += 1 }
            while offset < bytes.count, bytes[offset] <= UInt8(ascii: " ") { offset += 1 }
        }
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "|") || bytes[offset] == UInt8(ascii: ">") else { return offset }
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") { offset += 1 }
        return offset
    }

    /// The place of a byte offset.
    public func place(at offset: Int) -> Place {
        let found = place(ofOffset: offset)
        return Place(self, line: found.line, column: found.column)
    }

    func place(ofOffset offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        var column = 1
        var start = lineStarts[low]
        if let columns = blockColumns[low], !columns.isEmpty {
            let block = min((offset - start) / Self.longLine, columns.count - 1)
            column += columns[block]
            start += block * Self.longLine
        }
        for byte in bytes[start..<max(start, min(offset, bytes.count))] where byte & 0xC0 != 0x80 { column += 1 }
        return (low + 1, column)
    }
}

/// Where something stands in a ``SourceText``.
public struct Place: Sendable {
    public let source: SourceText
    private let line32: Int32
    private let column32: Int32

    public init(_ source: SourceText, line: Int, column: Int) {
        self.source = source
        line32 = Int32(truncatingIfNeeded: line)
        column32 = Int32(truncatingIfNeeded: column)
    }

    /// Counted from 1.
    public var line: Int { Int(line32) }
    /// In characters, counted from 1.
    public var column: Int { Int(column32) }

    public var location: SourceLocation {
        SourceLocation(file: source.file, line: line, column: column)
    }

    /// The line of the file, for the caret; of one that no terminal could show, the part around this place.
    public var excerpt: Diagnostic.Source { source.excerpt(self) }

    /// The place of the `ordinal`-th byte `byte` at or after this place.
    ///
    /// A scalar's value and its source text differ by quotes, escapes and folding, but not in the number
    /// of, say, dollar signs: so the n-th one of the value is found in the text whatever the scalar's style.
    ///
    /// - Parameters:
    ///   - ordinal: counted from 0.
    ///   - stop: a byte that nothing is looked for behind: where it makes text and value differ.
    /// - Returns: this place where the text has fewer of them.
    public func occurrence(_ ordinal: Int, of byte: UInt8, before stop: UInt8? = nil) -> Place {
        var left = ordinal
        let start = source.contentOffset(source.offset(line: line, column: column))
        for index in start..<max(start, source.bytes.count) {
            if source.bytes[index] == stop { return self }
            guard source.bytes[index] == byte else { continue }
            if left == 0 {
                let found = source.place(ofOffset: index)
                return Place(source, line: found.line, column: found.column)
            }
            left -= 1
        }
        return self
    }
}

extension Diagnostic {
    /// A diagnostic that points at a place.
    public init(
        _ severity: Severity, _ message: String, at place: Place?, attribute: String = "", remedy: String? = nil
    ) {
        self.init(
            severity, message, at: place?.location, attribute: attribute, source: place?.excerpt ?? .unread,
            remedy: remedy)
    }
}

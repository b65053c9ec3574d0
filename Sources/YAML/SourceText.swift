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
        while rest > 0, offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") {
            offset += 1
            while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
            rest -= 1
        }
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
        for byte in bytes[lineStarts[low]..<min(offset, bytes.count)] where byte & 0xC0 != 0x80 { column += 1 }
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

    /// The line of the file, for the caret; nil for one that no terminal could show.
    public var sourceLine: String? { source.lineBytes(line).count <= 1000 ? source.line(line) : nil }

    /// The place of the `ordinal`-th byte `byte` at or after this place.
    ///
    /// A scalar's value and its source text differ by quotes, escapes and folding, but not in the number
    /// of, say, dollar signs: so the n-th one of the value is found in the text whatever the scalar's style.
    ///
    /// - Parameter ordinal: counted from 0.
    /// - Returns: this place where the text has fewer of them.
    public func occurrence(_ ordinal: Int, of byte: UInt8) -> Place {
        var left = ordinal
        let start = source.offset(line: line, column: column)
        for index in start..<max(start, source.bytes.count) where source.bytes[index] == byte {
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
            severity, message, at: place?.location, attribute: attribute, sourceLine: place?.sourceLine,
            remedy: remedy)
    }
}

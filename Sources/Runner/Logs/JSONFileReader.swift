import Glibc

/// Reads the lines of a file of ``JSONFileLine``s.
struct JSONFileReader {
    private let instance: String
    private var descriptor: Int32 = -1
    /// Up to where the file is in ``buffer``.
    private(set) var position: Int64 = 0
    /// Read, and not yet parsed, from `start` on.
    private var buffer: [UInt8] = []
    private var start = 0
    /// No newline lies between ``start`` and here.
    private var searched = 0

    init(instance: String) { self.instance = instance }

    /// Goes on with a file, which stays open until the next is. A torn line at the end of the last one is forgotten: it would swallow the
    /// first of this.
    mutating func open(_ descriptor: Int32, at offset: Int64 = 0) {
        self.descriptor = descriptor
        position = offset
        buffer = []
        (start, searched) = (0, 0)
    }

    /// The next entry, if it is there.
    ///
    /// - Parameter size: the file's, in bytes.
    mutating func next(size: Int64) -> LogEntry? {
        while let line = nextLine(size) {
            if let entry = JSONFileLine.parse(line, instance: instance) { return entry }
        }
        return nil
    }

    private mutating func nextLine(_ size: Int64) -> [UInt8]? {
        while true {
            if let end = newline() {
                let line = Array(buffer[start..<end])
                start = end + 1
                searched = start
                return line
            }
            guard fill(size) else { return nil }
        }
    }

    /// Where the next line ends; what was looked at before is not looked at again, however long the line is.
    private mutating func newline() -> Int? {
        let place = buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, searched < bytes.count else { return nil }
            return memchr(base + searched, 10, bytes.count - searched).map { UnsafeRawPointer($0) - base }
        }
        if place == nil { searched = buffer.count }
        return place
    }

    /// Reads more; false where nothing more is there now.
    private mutating func fill(_ size: Int64) -> Bool {
        // No line of ours is this long, even with every byte escaped.
        if buffer.count - start > 1 << 20 { start = buffer.count }
        buffer.removeFirst(start)
        searched = max(searched - start, 0)
        start = 0
        let wanted = Int(min(max(size - position, 0), Int64(FileWindow.size)))
        let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { memory, count in
            count = max(pread(descriptor, memory.baseAddress, wanted, off_t(position)), 0)
        }
        buffer += chunk
        position += Int64(chunk.count)
        return !chunk.isEmpty
    }
}

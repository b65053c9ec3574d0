import Linux

/// The end of the audit log as someone saw it: which entry is the last, what it says, and where it stands.
///
/// An index holds the head as of its commit, and one is kept apart from the store, beside the key file, so that a log that was
/// cut short, and a whole store that was put back to what it was, show.
struct LogHead: Equatable, Sendable {
    /// Which file the log is in; a rekey begins a new one. 0: the store has no log yet.
    var file = Identifier(0)
    /// The last entry's number; they are counted from 1. 0: there is none.
    var sequence: UInt64 = 0
    /// The last entry's hash; zeros where there is none.
    var hash = LogEntry.noHash
    /// Where the last entry begins, in bytes from the file's start.
    var start: UInt64 = 0
    /// Where the next entry begins.
    var end: UInt64 = 0

    static let encodedCount = 16 + 8 + LogEntry.hashCount + 8 + 8

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: file.value)
        bytes.append(littleEndian: sequence)
        bytes += hash
        bytes.append(littleEndian: start)
        bytes.append(littleEndian: end)
        return bytes
    }

    init() {}

    init?(decoding reader: inout ByteReader) {
        guard let file = reader.integer(UInt128.self), let sequence = reader.integer(UInt64.self),
            let hash = reader.bytes(LogEntry.hashCount), let start = reader.integer(UInt64.self),
            let end = reader.integer(UInt64.self), start <= end
        else { return nil }
        self.file = Identifier(file)
        self.sequence = sequence
        self.hash = hash
        self.start = start
        self.end = end
    }
}

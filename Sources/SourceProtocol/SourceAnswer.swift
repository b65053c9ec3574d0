import JSON
import Linux
import SecretMemory

/// What `stackup-sources` answers to one request: a value, or why there is none.
///
/// On its standard output each answer is the count of the header's bytes (u32, little-endian), the header (JSON), and as many bytes of
/// value as the header says. Answers come in any order.
public enum SourceAnswer: ~Copyable {
    case value(SecretBytes)
    case failure(SourceError)

    /// The largest value in bytes: Swarm's limit, 500 KiB.
    public static let valueLimit = 500 << 10
    /// More than any header has, since the texts in it are clipped.
    private static let headerLimit = 64 << 10

    private struct Header: Codable {
        /// Counted from 0, in the order of the requests.
        var request: Int
        var length: Int?
        var error: SourceError?
    }

    /// Writes the answer to a request.
    ///
    /// - Parameter request: its index.
    public borrowing func write(to output: borrowing FileDescriptor, for request: Int) throws {
        switch self {
        case .value(let bytes):
            try Self.write(Header(request: request, length: bytes.count), to: output)
            try bytes.withUnsafeBytes { try output.writeAll($0) }
        case .failure(let error):
            try Self.write(Header(request: request, error: error.clipped), to: output)
        }
    }

    private static func write(_ header: Header, to output: borrowing FileDescriptor) throws {
        let text = try JSON.encode(header)
        let count = withUnsafeBytes(of: UInt32(text.count).littleEndian, Array.init)
        try output.writeAll(count + text)
    }

    /// Reads one answer, its value straight into guarded memory.
    ///
    /// - Parameters:
    ///   - count: how many requests there are.
    ///   - body: takes the answer and its request's index.
    /// - Returns: false at the end of the answers.
    /// - Throws: `SourceError` for what is no answer, and where none comes in time; and what `body` throws.
    public static func read(
        from input: borrowing AnswerInput, requests count: Int, _ body: (Int, consuming SourceAnswer) throws -> Void
    ) throws -> Bool {
        guard let length = try bytes(4, from: input, orEnd: true) else { return false }
        let size = length.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard size <= headerLimit, let text = try bytes(size, from: input),
            let header = try? JSON.decode(Header.self, from: text), (0..<count).contains(header.request)
        else { throw malformed }
        if let error = header.error {
            try body(header.request, .failure(error))
            return true
        }
        guard let length = header.length, (0...valueLimit).contains(length) else { throw malformed }
        var value = try SecretBytes(count: length)
        guard try value.withUnsafeMutableBytes({ try input.fill($0) }) == length else { throw malformed }
        try body(header.request, .value(value))
        return true
    }

    private static var malformed: SourceError {
        SourceError("stackup-sources ended in the middle of an answer, or gave none that makes sense")
    }

    private static func bytes(_ count: Int, from input: borrowing AnswerInput, orEnd: Bool = false) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let filled = try bytes.withUnsafeMutableBytes { try input.fill($0) }
        if filled == 0, orEnd { return nil }
        guard filled == count else { throw malformed }
        return bytes
    }
}

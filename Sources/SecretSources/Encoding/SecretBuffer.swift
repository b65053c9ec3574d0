import Linux
import SecretMemory
import SourceProtocol

/// Guarded memory that grows: for texts that are put together of secret parts, and for answers whose size nobody knows.
struct SecretBuffer: ~Copyable {
    private var memory: SecretBytes
    private(set) var count = 0

    init(capacity: Int = 1024) throws(SourceError) {
        memory = try .zeroed(max(capacity, 1))
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
        try makeRoom(for: bytes.count)
        memory.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[count...]).copyMemory(from: bytes) }
        count += bytes.count
    }

    mutating func append(_ bytes: borrowing SecretBytes) throws(SourceError) {
        // The closure can't borrow `self` for writing, so the pointer leaves it; `bytes` is borrowed all the while.
        let pointer = bytes.withUnsafeBytes { $0 }
        try append(pointer)
    }

    /// Appends what is not secret.
    mutating func append(_ text: String) throws(SourceError) {
        try makeRoom(for: text.utf8.count)
        memory.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[count...]).copyBytes(from: text.utf8) }
        count += text.utf8.count
    }

    mutating func append(_ byte: UInt8) throws(SourceError) {
        try makeRoom(for: 1)
        memory.withUnsafeMutableBytes { $0[count] = byte }
        count += 1
    }

    /// Appends bytes as a form has them (``PercentEncoding``).
    mutating func appendPercentEncoded(_ bytes: borrowing SecretBytes) throws(SourceError) {
        let digits: StaticString = "0123456789ABCDEF"
        for index in 0..<bytes.count {
            let byte = bytes.withUnsafeBytes { $0[index] }
            if PercentEncoding.isUnreserved(byte) {
                try append(byte)
            } else {
                try append(UInt8(ascii: "%"))
                try append(digits.utf8Start[Int(byte >> 4)])
                try append(digits.utf8Start[Int(byte & 15)])
            }
        }
    }

    /// Appends text as a string of JSON, in its quotes.
    mutating func append(json text: borrowing SecretBytes) throws(SourceError) {
        let digits = Array("0123456789abcdef".utf8)
        try append(UInt8(ascii: "\""))
        for index in 0..<text.count {
            let byte = text.withUnsafeBytes { $0[index] }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                try append(UInt8(ascii: "\\"))
                try append(byte)
            case 0..<0x20:
                try append("\\u00")
                try append(digits[Int(byte >> 4)])
                try append(digits[Int(byte & 15)])
            default:
                try append(byte)
            }
        }
        try append(UInt8(ascii: "\""))
    }

    private mutating func makeRoom(for more: Int) throws(SourceError) {
        guard count + more > memory.count else { return }
        var larger = try SecretBytes.zeroed(max(memory.count * 2, count + more))
        memory.withUnsafeBytes { old in larger.withUnsafeMutableBytes { $0.copyMemory(from: old) } }
        memory = larger
    }

    /// A copy of what is in there, without the room behind it.
    borrowing func bytes() throws(SourceError) -> SecretBytes {
        try memory.slice(0..<count)
    }

    /// Lends what is in there.
    borrowing func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        memory.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}

// Where there is no memory left nothing can be fetched, which is all that a driver has to say about it.
extension SecretBytes {
    static func zeroed(_ count: Int) throws(SourceError) -> SecretBytes {
        do {
            return try SecretBytes(count: count)
        } catch {
            throw SourceError("there is no memory left", isTransient: true)
        }
    }

    /// A guarded copy of bytes that are in ordinary memory already.
    static func guarding(_ bytes: [UInt8]) throws(SourceError) -> SecretBytes {
        var result = try zeroed(bytes.count)
        result.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
        return result
    }

    /// A guarded copy of a text that is in ordinary memory already, such as an environment variable's.
    static func guarding(_ text: String) throws(SourceError) -> SecretBytes {
        var result = try zeroed(text.utf8.count)
        result.withUnsafeMutableBytes { $0.copyBytes(from: text.utf8) }
        return result
    }

    /// A copy of a part.
    borrowing func slice(_ range: Range<Int>) throws(SourceError) -> SecretBytes {
        var result = try SecretBytes.zeroed(range.count)
        withUnsafeBytes { bytes in
            result.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range])) }
        }
        return result
    }

    /// A copy without the line ends at its end, which `echo` and most programs leave there.
    borrowing func withoutLineEnd() throws(SourceError) -> SecretBytes {
        let end = withUnsafeBytes { bytes in bytes.lastIndex { $0 != 0x0a && $0 != 0x0d }.map { $0 + 1 } ?? 0 }
        return try slice(0..<end)
    }

    /// A copy without white space around it, as an editor leaves at the end of a file with a token.
    borrowing func trimmed() throws(SourceError) -> SecretBytes {
        let range = withUnsafeBytes { bytes in
            let start = bytes.firstIndex { $0 > 0x20 } ?? bytes.count
            let end = bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? start
            return start..<end
        }
        return try slice(range)
    }
}

/// The index's numbers and texts: little-endian integers of fixed width, and UTF-8 behind a 16-bit count.
extension [UInt8] {
    mutating func append<Integer: FixedWidthInteger>(littleEndian value: Integer) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// At most 65 535 bytes: whoever lets a text into the store has checked that.
    mutating func append(text: String) {
        append(littleEndian: UInt16(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}

/// Reads what the functions above wrote. Nil wherever the bytes end too early; never beyond them.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func integer<Integer: FixedWidthInteger>(_: Integer.Type = Integer.self) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard position >= 0, bytes.count - position >= size else { return nil }
        defer { position += size }
        return Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Integer.self))
    }

    /// The bytes of a text, in place.
    mutating func textBytes() -> UnsafeRawBufferPointer? {
        guard let count = integer(UInt16.self), bytes.count - position >= Int(count) else { return nil }
        defer { position += Int(count) }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)])
    }

    /// The next `count` bytes, copied.
    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, bytes.count - position >= count else { return nil }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func text() -> String? {
        textBytes().map { String(decoding: $0, as: UTF8.self) }
    }

    /// False where there are fewer bytes.
    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, bytes.count - position >= count else { return false }
        position += count
        return true
    }
}

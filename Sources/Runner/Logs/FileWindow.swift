import Glibc

/// A stretch of a file in memory.
struct FileWindow {
    /// In bytes.
    static let size = 64 * 1024

    private let descriptor: Int32
    private var memory: [UInt8] = []
    /// Where it begins in the file.
    private var start: Int64 = 0

    private var range: Range<Int64> { start..<start + Int64(memory.count) }

    init(of descriptor: Int32) { self.descriptor = descriptor }

    /// Has what follows `offset` in memory, if it is not there yet.
    mutating func load(from offset: Int64) {
        if !range.contains(offset) { load(offset..<offset + Int64(Self.size)) }
    }

    /// Has what comes before `end` in memory, if it is not there yet.
    mutating func load(upTo end: Int64) {
        if end > 0, !range.contains(end - 1) { load(max(0, end - Int64(Self.size))..<end) }
    }

    mutating func forget() { memory = [] }

    /// What of a stretch is in memory, where that has its beginning or its end.
    func loaded(_ wanted: Range<Int64>) -> ArraySlice<UInt8> {
        let part = wanted.clamped(to: range)
        return memory[Int(part.lowerBound - start)..<Int(part.upperBound - start)]
    }

    /// A few bytes from anywhere; fewer where the file has no more.
    func bytes(at offset: Int64, count: Int) -> ArraySlice<UInt8> {
        guard offset >= 0, count > 0 else { return [] }
        let part = loaded(offset..<offset + Int64(count))
        return part.count == count ? part : Self.read(descriptor, offset..<offset + Int64(count))[...]
    }

    /// Where a byte is found first.
    mutating func first(_ byte: UInt8, in wanted: Range<Int64>) -> Int64? {
        var rest = wanted
        while !rest.isEmpty {
            load(from: rest.lowerBound)
            let part = loaded(rest)
            if part.isEmpty { return nil }
            if let index = part.firstPlace(of: byte) { return start + Int64(index) }
            rest = rest.lowerBound + Int64(part.count)..<rest.upperBound
        }
        return nil
    }

    /// Where a byte is found last.
    mutating func last(_ byte: UInt8, in wanted: Range<Int64>) -> Int64? {
        var rest = wanted
        while !rest.isEmpty {
            load(upTo: rest.upperBound)
            let part = loaded(rest)
            if part.isEmpty { return nil }
            if let index = part.lastPlace(of: byte) { return start + Int64(index) }
            rest = rest.lowerBound..<rest.upperBound - Int64(part.count)
        }
        return nil
    }

    private mutating func load(_ wanted: Range<Int64>) {
        memory = Self.read(descriptor, wanted)
        start = wanted.lowerBound
    }

    private static func read(_ descriptor: Int32, _ wanted: Range<Int64>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: wanted.count) { memory, count in
            count = max(pread(descriptor, memory.baseAddress, wanted.count, off_t(wanted.lowerBound)), 0)
        }
    }
}

extension ArraySlice<UInt8> {
    /// As `firstIndex(of:)`, by the C library: files are large.
    func firstPlace(of byte: UInt8) -> Int? {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let place = memchr(base, Int32(byte), bytes.count) else { return nil }
            return startIndex + (UnsafeRawPointer(place) - base)
        }
    }

    /// As `lastIndex(of:)`. The C library's memrchr(3) is not to be had from Swift.
    func lastPlace(of byte: UInt8) -> Int? {
        withUnsafeBytes { bytes in
            var index = bytes.count - 1
            while index >= 0, bytes[index] != byte { index -= 1 }
            return index < 0 ? nil : startIndex + index
        }
    }
}

import Glibc
import Linux

/// Reads an archive that somebody else may have written: what is no entry is refused.
struct ArchiveReader: ~Copyable {
    private let input: FileDescriptor
    private let allowsRemovals: Bool
    /// Of the entry that was read last: what is left of its content, and of the room up to the next header.
    private var rest: Int64 = 0
    private var padding: Int64 = 0
    /// In bytes: an extended header.
    private static let longestExtension: Int64 = 1 << 20

    /// - Parameter allowsRemovals: whether it is an archive of changes.
    init(_ input: consuming FileDescriptor, allowsRemovals: Bool = false) {
        self.input = input
        self.allowsRemovals = allowsRemovals
    }

    /// The next entry; nil at the archive's end.
    mutating func next() throws -> ArchiveEntry? {
        try skip()
        var longer: [String: [UInt8]] = [:]
        while let header = try block() {
            if header.allSatisfy({ $0 == 0 }) { return nil }
            try Self.check(header)
            var size = try Self.number(header, ArchiveField.size)
            switch header[ArchiveField.kind] {
            case UInt8(ascii: "x"):
                try Self.read(records: try content(size), into: &longer)
            case UInt8(ascii: "g"):
                _ = try content(size)
            case UInt8(ascii: "L"): longer["path"] = Self.text(try content(size), 0..<Int(size))
            case UInt8(ascii: "K"): longer["linkpath"] = Self.text(try content(size), 0..<Int(size))
            default:
                if let text = longer["size"] { size = try Self.decimal(text) }
                return try entry(header, longer, size: size)
            }
        }
        return nil
    }

    /// Reads on in the content of the entry that was read last.
    ///
    /// - Returns: how many bytes; 0 at its end.
    mutating func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = Int(min(Int64(buffer.count), rest))
        let count = try input.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        guard count == wanted else { throw CopyError.cutOff }
        rest -= Int64(count)
        return count
    }

    /// Reads to the end, so that who writes is not interrupted.
    mutating func drain() throws {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while try buffer.withUnsafeMutableBytes({ try input.fill($0) }) > 0 {}
    }

    private mutating func skip() throws {
        var buffer = [UInt8](repeating: 0, count: 65536)
        rest += padding
        padding = 0
        while rest > 0 { _ = try buffer.withUnsafeMutableBytes { try read($0) } }
    }

    private mutating func block() throws -> [UInt8]? {
        var block = [UInt8](repeating: 0, count: ArchiveField.blockSize)
        let count = try block.withUnsafeMutableBytes { try input.fill($0) }
        if count == 0 { return nil }
        guard count == block.count else { throw CopyError.cutOff }
        return block
    }

    private mutating func content(_ size: Int64) throws -> [UInt8] {
        guard (0...Self.longestExtension).contains(size) else { throw CopyError("the archive has a header that is too long") }
        begin(size)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        _ = try bytes.withUnsafeMutableBytes { try read($0) }
        try skip()
        return bytes
    }

    private mutating func begin(_ size: Int64) {
        rest = size
        padding = (Int64(ArchiveField.blockSize) - size % Int64(ArchiveField.blockSize)) % Int64(ArchiveField.blockSize)
    }

    private mutating func entry(_ header: [UInt8], _ longer: [String: [UInt8]], size: Int64) throws -> ArchiveEntry {
        var name = longer["path"] ?? Self.text(header, ArchiveField.name)
        let prefix = Self.text(header, ArchiveField.prefix)
        // GNU's format has other fields there.
        if longer["path"] == nil, !prefix.isEmpty, header[ArchiveField.magic.upperBound - 1] == 0 { name = prefix + [UInt8(ascii: "/")] + name }
        let kind: ArchiveEntry.Kind
        switch header[ArchiveField.kind] {
        case UInt8(ascii: "0"), UInt8(ascii: "7"), 0: kind = .file(size: size)
        case UInt8(ascii: "5"): kind = .folder
        case UInt8(ascii: "2"): kind = .link(target: longer["linkpath"] ?? Self.text(header, ArchiveField.link))
        case ArchiveField.removal where allowsRemovals: kind = .removal
        default: throw CopyError("'\(String(decoding: name, as: UTF8.self))' is neither a file nor a folder nor a symbolic link: such are not copied")
        }
        begin(kind == .file(size: size) ? size : 0)
        while name.last == UInt8(ascii: "/") { name.removeLast() }
        func id(_ key: String, _ field: Range<Int>) throws -> UInt32 {
            guard let id = UInt32(exactly: try longer[key].map(Self.decimal) ?? Self.number(header, field)) else { throw CopyError("the archive has an owner that cannot be") }
            return id
        }
        return ArchiveEntry(
            name: name, kind: kind, mode: UInt32(try Self.number(header, ArchiveField.mode) & 0o7777), uid: try id("uid", ArchiveField.uid),
            gid: try id("gid", ArchiveField.gid), modified: try Self.number(header, ArchiveField.modified))
    }

    private static func check(_ header: [UInt8]) throws(CopyError) {
        let sum = header.enumerated().reduce(Int64(0)) { $0 + (ArchiveField.checksum.contains($1.offset) ? 32 : Int64($1.element)) }
        guard try number(header, ArchiveField.checksum) == sum else { throw CopyError("this is no archive (tar), or a damaged one") }
    }

    private static func text(_ bytes: [UInt8], _ field: Range<Int>) -> [UInt8] { Array(bytes[field].prefix { $0 != 0 }) }

    /// Octal, or where its first bit is set, binary (GNU).
    private static func number(_ header: [UInt8], _ field: Range<Int>) throws(CopyError) -> Int64 {
        if header[field.lowerBound] & 0x80 != 0 {
            guard header[field.lowerBound] == 0x80, header[field].dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else {
                throw CopyError("the archive has a number that is too large")
            }
            return header[field].suffix(7).reduce(0) { $0 << 8 | Int64($1) }
        }
        var value: Int64 = 0
        for byte in header[field].drop(while: { $0 == 32 }) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else {
                if byte == 0 || byte == 32 { break }
                throw CopyError("this is no archive (tar), or a damaged one")
            }
            value = value << 3 | Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private static func decimal(_ text: [UInt8]) throws(CopyError) -> Int64 {
        guard let number = Int64(String(decoding: text.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)), number >= 0, number < 1 << 60 else {
            throw CopyError("the archive has a number that is none")
        }
        return number
    }

    private static func read(records: [UInt8], into values: inout [String: [UInt8]]) throws(CopyError) {
        var rest = records[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")), let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count, let equals = rest[space...].firstIndex(of: UInt8(ascii: "=")),
                equals < rest.startIndex + length - 1
            else { throw CopyError("the archive has an extended header that is none") }
            let end = rest.startIndex + length
            values[String(decoding: rest[(space + 1)..<equals], as: UTF8.self)] = Array(rest[(equals + 1)..<(end - 1)])
            rest = rest[end...]
        }
    }
}

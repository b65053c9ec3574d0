import Glibc
import Linux

/// Writes an archive, in the form of POSIX with extended headers where something does not fit (pax(1)).
struct ArchiveWriter: ~Copyable {
    private let output: FileDescriptor

    init(_ output: consuming FileDescriptor) {
        self.output = output
    }

    func put(_ entry: ArchiveEntry) throws(SystemCallError) {
        var name = entry.name
        if entry.kind == .folder { name.append(UInt8(ascii: "/")) }
        var records: [UInt8] = []
        var size: Int64 = 0
        var target: [UInt8] = []
        var kind = UInt8(ascii: "0")
        switch entry.kind {
        case .file(let length): size = length
        case .folder: kind = UInt8(ascii: "5")
        case .link(let to): (kind, target) = (UInt8(ascii: "2"), to)
        case .removal: kind = ArchiveField.removal
        }
        if name.count > ArchiveField.name.count { records += Self.record("path", name) }
        if target.count > ArchiveField.link.count { records += Self.record("linkpath", target) }
        if size >= 1 << 33 { records += Self.record("size", Array(String(size).utf8)) }
        for (key, id) in [("uid", entry.uid), ("gid", entry.gid)] where id >= 1 << 21 { records += Self.record(key, Array(String(id).utf8)) }
        if !records.isEmpty {
            try output.writeAll(Self.header(name: Array("PaxHeader".utf8), kind: UInt8(ascii: "x"), mode: 0o644, size: Int64(records.count)))
            try output.writeAll(records)
            try pad(after: Int64(records.count))
        }
        try output.writeAll(
            Self.header(
                name: name, kind: kind, mode: entry.mode, uid: entry.uid, gid: entry.gid, size: size, modified: entry.modified, target: target))
    }

    /// Some of a file's content, of which there is to be as much as its entry says.
    func put(content: UnsafeRawBufferPointer) throws(SystemCallError) { try output.writeAll(content) }

    /// Ends a file's content.
    func pad(after size: Int64) throws(SystemCallError) {
        let rest = Int(size % Int64(ArchiveField.blockSize))
        if rest > 0 { try output.writeAll([UInt8](repeating: 0, count: ArchiveField.blockSize - rest)) }
    }

    func finish() throws(SystemCallError) { try output.writeAll([UInt8](repeating: 0, count: 2 * ArchiveField.blockSize)) }

    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [UInt8(ascii: "\n")]
        // Its length counts its own digits.
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length = String(length).utf8.count + rest.count }
        return Array(String(length).utf8) + rest
    }

    private static func header(
        name: [UInt8], kind: UInt8, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0, size: Int64, modified: Int64 = 0, target: [UInt8] = []
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: ArchiveField.blockSize)
        func put(_ bytes: some Sequence<UInt8>, _ field: Range<Int>) {
            for (place, byte) in zip(field, bytes) { block[place] = byte }
        }
        func put(number: Int64, _ field: Range<Int>) {
            let digits = String(number, radix: 8)
            put((String(repeating: "0", count: max(0, field.count - 1 - digits.utf8.count)) + digits).utf8, field)
        }
        put(name, ArchiveField.name)
        put(number: Int64(mode), ArchiveField.mode)
        put(number: uid < 1 << 21 ? Int64(uid) : 0, ArchiveField.uid)
        put(number: gid < 1 << 21 ? Int64(gid) : 0, ArchiveField.gid)
        put(number: size < 1 << 33 ? size : 0, ArchiveField.size)
        put(number: min(max(modified, 0), 1 << 33 - 1), ArchiveField.modified)
        block[ArchiveField.kind] = kind
        put(target, ArchiveField.link)
        put("ustar".utf8, ArchiveField.magic)
        put("00".utf8, ArchiveField.version)
        put(repeatElement(UInt8(ascii: " "), count: 8), ArchiveField.checksum)
        let sum = block.reduce(0) { $0 + Int64($1) }
        put(number: sum, ArchiveField.checksum.lowerBound..<ArchiveField.checksum.upperBound - 1)
        return block
    }
}

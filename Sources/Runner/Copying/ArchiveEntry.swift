/// Why something could not be copied.
public struct CopyError: Error, CustomStringConvertible {
    public let description: String
    /// Whether it is the other end of the pipe that failed, and has said why.
    public let isOfOtherSide: Bool

    public init(_ description: String, isOfOtherSide: Bool = false) {
        self.description = description
        self.isOfOtherSide = isOfOtherSide
    }

    static let cutOff = CopyError("the archive is cut off", isOfOtherSide: true)
}

/// One file of an archive (tar(5)). Names are bytes, as the kernel has them.
struct ArchiveEntry: Equatable {
    enum Kind: Equatable {
        case file(size: Int64)
        case folder
        case link(target: [UInt8])
        /// Nothing is there any more: of no other archives than those of changes (``TreeSender/send(changes:of:isKept:isOver:)``).
        case removal
    }

    /// Without a slash at the end.
    var name: [UInt8]
    var kind: Kind
    /// Permission bits.
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    /// Seconds since the epoch.
    var modified: Int64

    /// For people.
    var shownName: String { String(decoding: name, as: UTF8.self) }
}

/// The places of a header's fields.
enum ArchiveField {
    static let blockSize = 512
    static let name = 0..<100, mode = 100..<108, uid = 108..<116, gid = 116..<124, size = 124..<136, modified = 136..<148, checksum = 148..<156
    /// One of the kinds that POSIX leaves to who wants them.
    static let removal = UInt8(ascii: "R")
    static let kind = 156, link = 157..<257, magic = 257..<263, version = 263..<265, prefix = 345..<500
}

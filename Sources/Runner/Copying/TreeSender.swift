import Glibc
import Linux

/// Writes a file, link or folder with all that is below it as an archive.
///
/// Nothing is opened before it is known what it is: no FIFO is waited for and no device touched. Below what was named, no link is
/// followed, whoever lays one meanwhile.
public struct TreeSender: ~Copyable {
    let writer: ArchiveWriter
    /// Hears of what was left out, and why.
    let onOmission: (String) -> Void
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    private static let deepest = 256

    /// - Parameters:
    ///   - output: where the archive goes.
    ///   - onOmission: hears of what was left out, and why.
    public init(_ output: consuming FileDescriptor, onOmission: @escaping (String) -> Void) {
        writer = ArchiveWriter(output)
        self.onOmission = onOmission
    }

    /// - Parameters:
    ///   - path: ended by `/.`, the folder's content is meant.
    ///   - followsLink: whether a link that is named is followed.
    public consuming func send(_ path: [UInt8], from place: borrowing CopyPlace, followsLink: Bool) throws {
        let split = SplitPath(path)
        let top = try place.open(path, followsLast: followsLink || split.isFolder)
        let status = try top.status()
        if FileKind(status) == .other { throw CopyError("\(String(decoding: path, as: UTF8.self)) is neither a file nor a folder nor a symbolic link: such are not copied") }
        if split.isFolder, FileKind(status) != .folder { throw CopyError("\(String(decoding: path, as: UTF8.self)) is not a folder") }
        let isNameless = split.isContent || split.name == [46] || split.name == [46, 46] || split.name.isEmpty || split.name == [47]
        try put(top, status, as: isNameless ? [UInt8(ascii: ".")] : split.name, depth: 0)
        try writer.finish()
    }

    /// - Parameters:
    ///   - descends: whether what a folder holds goes with it.
    ///   - isOver: asked while a file is read; then it throws.
    mutating func put(
        _ file: borrowing FileDescriptor, _ status: stat, as name: [UInt8], depth: Int, descends: Bool = true, isOver: () -> Bool = { false }
    ) throws {
        let shown = String(decoding: name, as: UTF8.self)
        var entry = ArchiveEntry(
            name: name, kind: .folder, mode: status.st_mode & 0o7777, uid: status.st_uid, gid: status.st_gid, modified: Int64(status.st_mtim.tv_sec))
        switch FileKind(status) {
        case .other: onOmission("\(shown) is neither a file nor a folder nor a symbolic link")
        case .link:
            entry.kind = .link(target: try file.linkTarget())
            try writer.put(entry)
        case .file:
            let content: FileDescriptor
            do {
                content = try FileDescriptor.open("/proc/self/fd/\(file.number)", O_RDONLY | O_NONBLOCK | O_NOCTTY)
            } catch {
                if depth == 0 { throw CopyError("\(shown) cannot be read: \(String(cString: strerror(error.code)))") }
                return onOmission("\(shown) cannot be read: \(String(cString: strerror(error.code)))")
            }
            entry.kind = .file(size: Int64(status.st_size))
            try writer.put(entry)
            try put(content: content, Int64(status.st_size), shown, isOver: isOver)
        case .folder:
            try writer.put(entry)
            guard descends else { return }
            guard depth < Self.deepest else { throw CopyError("\(shown) lies too deep") }
            let listing: FileDescriptor
            do {
                listing = try FileDescriptor.open("/proc/self/fd/\(file.number)", O_RDONLY | O_DIRECTORY)
            } catch {
                return onOmission("\(shown) cannot be read: \(String(cString: strerror(error.code)))")
            }
            for child in DirectoryListing.bytes(in: listing.number).map({ $0.dropLast().map { UInt8(bitPattern: $0) } }).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                // What has gone meanwhile is missed by nobody.
                guard let file = try? FileDescriptor.open(
                    bytes: child, in: listing.number, O_PATH | O_NOFOLLOW, resolution: [.beneath, .noSymlinks, .noMagicLinks])
                else { continue }
                try put(file, try file.status(), as: name + [UInt8(ascii: "/")] + child, depth: depth + 1)
            }
        }
    }

    /// As much as was announced: one that has become longer is cut, a shorter one is filled up with zeros.
    private mutating func put(content: borrowing FileDescriptor, _ size: Int64, _ shown: String, isOver: () -> Bool) throws {
        var rest = size
        var isComplete = true
        while rest > 0 {
            if isOver() { throw CopyError("\(shown) was given up in the middle") }
            let wanted = Int(min(rest, Int64(buffer.count)))
            var filled = 0
            while isComplete, filled < wanted {
                let number = content.number, start = filled
                let count = try buffer.withUnsafeMutableBytes { bytes in
                    try retryingInterrupts("read", on: shown) { Glibc.read(number, bytes.baseAddress! + start, wanted - start) }
                }
                if count == 0 {
                    onOmission("\(shown) became shorter while it was read; the rest of it is zeros")
                    isComplete = false
                }
                filled += count
            }
            for place in filled..<wanted { buffer[place] = 0 }
            try buffer.withUnsafeBytes { bytes in
                try writer.put(content: UnsafeRawBufferPointer(rebasing: bytes[..<wanted]))
            }
            rest -= Int64(wanted)
        }
        try writer.pad(after: size)
    }
}

import Glibc
import Linux

extension TreeSender {
    /// Writes what has changed in a tree of the host: what lies there now, without what a folder holds, and of what does not that it is gone.
    ///
    /// Nothing is opened by way of a symbolic link: one that a service lays on the way leads nowhere, and what lay behind is gone.
    ///
    /// - Parameters:
    ///   - changes: the ways from the top; empty for the top itself, which is called `.`.
    ///   - top: an absolute path without symbolic links, of a file or folder.
    ///   - isKept: whether something is kept from the service: then it is neither sent nor removed. The descriptor is of what would be read.
    ///   - isOver: asked before each, and while a file is read; from then on nothing more is sent.
    /// - Returns: how many were sent.
    @discardableResult
    public consuming func send(
        changes: [[UInt8]], of top: String, isKept: (_ path: [UInt8], _ file: Int32?) -> Bool, isOver: () -> Bool = { false }
    ) throws -> Int {
        var sent = 0
        let root = Array(top.utf8)
        let ways = changes.sorted { $0.lexicographicallyPrecedes($1) }
        func path(_ way: [UInt8]) -> [UInt8] { way.isEmpty ? root : root == [47] ? root + way : root + [47] + way }
        func name(_ way: [UInt8]) -> [UInt8] { way.isEmpty ? [UInt8(ascii: ".")] : way }
        // What is gone goes first, and what was in a folder before the folder: another thing may be to take its place.
        for way in ways.reversed() {
            if isOver() { break }
            let path = path(way)
            do {
                _ = try Self.open(path)
            } catch {
                guard Self.isGone(error), !isKept(path, nil) else { continue }
                try writer.put(ArchiveEntry(name: name(way), kind: .removal, mode: 0, uid: 0, gid: 0, modified: 0))
                sent += 1
            }
        }
        for way in ways {
            if isOver() { break }
            let path = path(way)
            let file: FileDescriptor
            do {
                file = try Self.open(path)
            } catch {
                // What has gone since is told of again.
                if !Self.isGone(error) { onOmission("\(String(decoding: path, as: UTF8.self)): \(error)") }
                continue
            }
            if isKept(path, file.number) { continue }
            let status = try file.status()
            guard !Self.isHollow(status) else {
                onOmission("\(String(decoding: path, as: UTF8.self)) says that it is far larger than what it holds; copy it with: stackup cp")
                continue
            }
            // It has its place already: what can't be read is no end of the rest.
            try put(file, status, as: name(way), depth: 1, descends: false, isOver: isOver)
            sent += 1
        }
        try writer.finish()
        return sent
    }

    private static func open(_ path: [UInt8]) throws(SystemCallError) -> FileDescriptor {
        try FileDescriptor.open(bytes: path, in: AT_FDCWD, O_PATH | O_NOFOLLOW, resolution: [.noSymlinks, .noMagicLinks])
    }

    private static func isGone(_ error: any Error) -> Bool {
        (error as? SystemCallError).map { [ENOENT, ENOTDIR, ELOOP].contains($0.code) } ?? false
    }

    /// Whether a file of more than a gigabyte is mostly a hole: who may write there makes one of any size for nothing, and it would fill the
    /// disk of the one that it is copied to.
    private static func isHollow(_ status: stat) -> Bool {
        FileKind(status) == .file && status.st_size > 1 << 30 && Int64(status.st_blocks) * 512 < Int64(status.st_size) / 2
    }
}

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
    ///   - isOver: asked before each; from then on nothing more is sent.
    /// - Returns: how many were sent.
    @discardableResult
    public consuming func send(
        changes: [[UInt8]], of top: String, isKept: (_ path: [UInt8], _ file: Int32?) -> Bool, isOver: () -> Bool = { false }
    ) throws -> Int {
        var sent = 0
        let root = Array(top.utf8)
        for way in changes.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if isOver() { break }
            let path = way.isEmpty ? root : root == [47] ? root + way : root + [47] + way
            let name = way.isEmpty ? [UInt8(ascii: ".")] : way
            let file: FileDescriptor
            do {
                file = try FileDescriptor.open(
                    bytes: path, in: AT_FDCWD, O_PATH | O_NOFOLLOW, resolution: [.noSymlinks, .noMagicLinks])
            } catch {
                guard [ENOENT, ENOTDIR, ELOOP].contains(error.code) else {
                    onOmission("\(String(decoding: path, as: UTF8.self)): \(error)")
                    continue
                }
                if isKept(path, nil) { continue }
                try writer.put(ArchiveEntry(name: name, kind: .removal, mode: 0, uid: 0, gid: 0, modified: 0))
                sent += 1
                continue
            }
            if isKept(path, file.number) { continue }
            // It has its place already: what can't be read is no end of the rest.
            try put(file, try file.status(), as: name, depth: 1, descends: false)
            sent += 1
        }
        try writer.finish()
        return sent
    }
}

import Glibc
import Linux

extension TreeReceiver {
    /// Does to a tree what an archive of changes tells (``TreeSender/send(changes:of:isKept:isOver:)``).
    ///
    /// The way to the top is gone as its owner means it, links and all, and what is missing of it is made. Below the top no link is
    /// followed.
    ///
    /// - Parameters:
    ///   - path: the top: what the entry `.` becomes.
    ///   - onFailure: hears of each entry that could not be carried out; the others are, all the same.
    /// - Throws: where the archive is none.
    public consuming func receiveChanges(at path: [UInt8], in place: borrowing CopyPlace, onFailure: (String) -> Void) throws {
        let split = SplitPath(path)
        while let entry = try reader.next() {
            do {
                guard entry.name != [UInt8(ascii: ".")] else {
                    try putTop(entry, split, in: place)
                    continue
                }
                try put(entry, below: path, in: place)
            } catch let error as CopyError where error.description == CopyError.cutOff.description {
                throw error
            } catch {
                let top = String(decoding: path, as: UTF8.self)
                onFailure("\(entry.name == [46] ? top : Paths.join(top, "./" + entry.shownName)): \(error)")
            }
        }
        if let top = try? place.open(path, followsLast: true), FileKind((try? top.status()) ?? stat()) == .folder { return try finish(top) }
        try reader.drain()
    }

    private mutating func putTop(_ entry: ArchiveEntry, _ split: SplitPath, in place: borrowing CopyPlace) throws {
        // A folder is there as what a link leads to, too.
        if entry.kind == .folder {
            _ = try Self.folder(at: split.parent + [47] + split.name, in: place)
            return
        }
        if entry.kind == .removal {
            guard let parent = try? place.open(split.parent, followsLast: true) else { return }
            // What a folder had was told one by one; what else is in there is the service's own.
            var status = stat()
            guard fstatat(parent.number, Self.words(split.name), &status, AT_SYMLINK_NOFOLLOW) == 0, FileKind(status) != .folder else { return }
            return try put(entry, Self.words(split.name), in: parent.number, split.name)
        }
        let parent = try Self.folder(at: split.parent, in: place)
        try put(entry, Self.words(split.name), in: parent.number, split.name)
    }

    private mutating func put(_ entry: ArchiveEntry, below path: [UInt8], in place: borrowing CopyPlace) throws {
        var parts = entry.name.split(separator: 47).map(Array.init)
        guard entry.name.first != 47, !entry.name.contains(0), !parts.contains([46, 46]), !parts.contains([46]), let name = parts.popLast() else {
            throw CopyError("the name leads out of the folder that is copied to")
        }
        let whole = Array((parts + [name]).joined(separator: [47]))
        if entry.kind == .removal {
            guard let top = try? place.open(path, followsLast: true) else { return }
            let folder = parts.isEmpty ? [UInt8(ascii: ".")] : Array(parts.joined(separator: [47]))
            guard let parent = try? FileDescriptor.open(
                bytes: folder, in: top.number, O_PATH | O_DIRECTORY, resolution: [.beneath, .noSymlinks, .noMagicLinks])
            else { return }
            return try put(entry, Self.words(name), in: parent.number, whole)
        }
        let top = try Self.folder(at: path, in: place)
        let parent = try Self.folder(parts, in: top)
        try put(entry, Self.words(name), in: parent.number, whole)
    }

    private static func words(_ name: [UInt8]) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }

    /// The folder that a path leads to; what is missing of it is made.
    private static func folder(at path: [UInt8], in place: borrowing CopyPlace) throws -> FileDescriptor {
        do {
            return try place.open(path, followsLast: true)
        } catch let error as SystemCallError {
            guard error.code == ENOENT else { throw error }
        }
        let split = SplitPath(path)
        guard split.name != [47], !split.name.isEmpty else { throw SystemCallError("openat2", "/", code: ENOENT) }
        let parent = try folder(at: split.parent, in: place)
        if mkdirat(parent.number, words(split.name), 0o755) != 0, errno != EEXIST {
            throw SystemCallError("mkdirat", String(decoding: path, as: UTF8.self))
        }
        return try place.open(path, followsLast: true)
    }
}

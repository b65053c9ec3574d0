import Glibc
import Linux

/// Unpacks an archive below a place that was named, and nowhere else.
///
/// Names that lead out, or through a link, are refused, whoever has written the archive and whatever lies there or is laid there
/// meanwhile. A file takes the place of another by rename(2), so that nothing is written to what has other names. What would let its
/// user become another (setuid) is left out. Owners, modes and times are given by descriptor, to what was just made and to nothing else:
/// whoever may rename in the folder could else lead them to another entry.
public struct TreeReceiver: ~Copyable {
    var reader: ArchiveReader
    private let keepsOwners: Bool
    /// Whether what is there of another kind goes for what comes, and what is gone is removed.
    private let mirrors: Bool
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    private var temporaries = 0
    /// New folders get their modes when all that they hold is there.
    private var folders: [(path: [UInt8], made: MadeEntry, mode: UInt32, modified: Int64)] = []

    /// - Parameters:
    ///   - input: where the archive comes from.
    ///   - keepsOwners: whether files belong to whom the archive says.
    ///   - mirrors: whether it is an archive of changes (``receiveChanges(at:in:onFailure:)``).
    public init(_ input: consuming FileDescriptor, keepsOwners: Bool, mirrors: Bool = false) {
        reader = ArchiveReader(input, allowsRemovals: mirrors)
        self.keepsOwners = keepsOwners
        self.mirrors = mirrors
    }

    /// Where the entries go: the folder, and what the first name of each becomes; nil: it is left out.
    private struct Target: ~Copyable {
        let folder: FileDescriptor
        /// nil: as in the archive.
        let top: [UInt8]?
        let dropsTop: Bool
    }

    /// Unpacks what ``TreeSender`` sends: one file, link or folder. Where the path leads to a folder, into that; otherwise it becomes what is sent.
    public consuming func receive(at path: [UInt8], in place: borrowing CopyPlace) throws {
        guard let first = try reader.next() else { throw CopyError("nothing came", isOfOtherSide: true) }
        let target = try Self.target(of: first, at: path, in: place)
        try unpack(first, into: target)
        while let entry = try reader.next() { try unpack(entry, into: target) }
        try finish(target.folder)
    }

    /// Unpacks any archive into a folder.
    public consuming func receiveAll(at path: [UInt8], in place: borrowing CopyPlace) throws {
        let folder = try place.open(path, followsLast: true)
        guard FileKind(try folder.status()) == .folder else { throw CopyError("\(String(decoding: path, as: UTF8.self)) is not a folder") }
        let target = Target(folder: folder, top: nil, dropsTop: false)
        while let entry = try reader.next() { try unpack(entry, into: target) }
        try finish(target.folder)
    }

    mutating func finish(_ folder: borrowing FileDescriptor) throws {
        for (path, made, mode, modified) in folders.reversed() {
            // Another one in its place is nothing of ours.
            guard let file = try? FileDescriptor.open(
                bytes: path, in: folder.number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolution: [.beneath, .noSymlinks, .noMagicLinks]),
                (try? MadeEntry(file)) == made
            else { continue }
            _ = fchmod(file.number, mode & 0o777)
            Self.date(file.number, modified)
        }
        try reader.drain()
    }

    private static func target(of first: ArchiveEntry, at path: [UInt8], in place: borrowing CopyPlace) throws -> Target {
        let shown = String(decoding: path, as: UTF8.self)
        let isContent = first.name == [UInt8(ascii: ".")]
        do {
            let there = try place.open(path, followsLast: true)
            if FileKind(try there.status()) == .folder { return Target(folder: there, top: nil, dropsTop: isContent) }
            if first.kind == .folder { throw CopyError("\(shown) is a file: a folder cannot take its place") }
        } catch let error as SystemCallError {
            guard error.code == ENOENT else { throw error }
        }
        let split = SplitPath(path)
        if split.isFolder, first.kind != .folder { throw CopyError("the folder \(shown) does not exist") }
        let parent: FileDescriptor
        do {
            parent = try place.open(split.parent, followsLast: true)
        } catch {
            throw CopyError("the folder \(String(decoding: split.parent, as: UTF8.self)) cannot be opened: \(error)")
        }
        return Target(folder: parent, top: split.name, dropsTop: false)
    }

    private mutating func unpack(_ entry: ArchiveEntry, into target: borrowing Target) throws {
        let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
        var parts = entry.name.split(separator: slash, omittingEmptySubsequences: true).map(Array.init).filter { $0 != [dot] }
        guard entry.name.first != slash, !parts.contains([dot, dot]), !entry.name.contains(0) else {
            throw CopyError("'\(entry.shownName)' leads out of the folder that is copied to")
        }
        if entry.name.first == dot, entry.name.count == 1 || entry.name[1] == slash { parts = [[dot]] + parts }
        if let top = target.top {
            parts = [top] + parts.dropFirst()
        } else if parts.first == [dot] {
            parts.removeFirst()
        }
        guard let name = parts.popLast() else { return }
        let parent = try Self.folder(parts, in: target.folder)
        let path = Array((parts + [name]).joined(separator: [slash]))
        try put(entry, name.map { CChar(bitPattern: $0) } + [0], in: parent.number, path)
    }

    /// Opens a folder below another one, and makes what is missing of it.
    static func folder(_ parts: [[UInt8]], in top: borrowing FileDescriptor) throws -> FileDescriptor {
        guard !parts.isEmpty else { return try top.duplicate() }
        func open(_ count: Int) throws(SystemCallError) -> FileDescriptor {
            try FileDescriptor.open(
                bytes: Array(parts[..<count].joined(separator: [UInt8(ascii: "/")])), in: top.number, O_PATH | O_DIRECTORY,
                resolution: [.beneath, .noSymlinks, .noMagicLinks])
        }
        do {
            return try open(parts.count)
        } catch {
            guard error.code == ENOENT else { throw error }
        }
        var folder = try top.duplicate()
        for count in 1...parts.count {
            let name = parts[count - 1].map { CChar(bitPattern: $0) } + [0]
            let number = folder.number
            if mkdirat(number, name, 0o755) != 0, errno != EEXIST { throw SystemCallError("mkdirat", String(decoding: parts[count - 1], as: UTF8.self)) }
            folder = try open(count)
        }
        return folder
    }

    mutating func put(_ entry: ArchiveEntry, _ name: [CChar], in parent: Int32, _ path: [UInt8]) throws {
        let shown = String(decoding: path, as: UTF8.self)
        if entry.kind == .removal {
            try removeOne(name, in: parent, shown)
            return
        }
        if entry.kind == .folder {
            if mkdirat(parent, name, 0o700) != 0 {
                guard errno == EEXIST else { throw SystemCallError("mkdirat", shown) }
                var status = stat()
                if fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0, FileKind(status) == .folder { return }
                guard mirrors else { throw CopyError("\(shown) is no folder there: a folder cannot take its place") }
                unlinkat(parent, name, 0)
                try retryingInterrupts("mkdirat", on: shown) { mkdirat(parent, name, 0o700) }
            }
            let folder = try MadeEntry.openFolder(name, in: parent, shown)
            folders.append((path, try MadeEntry(folder), entry.mode, entry.modified))
            return try give(entry, folder, shown)
        }
        temporaries += 1
        let temporary = ".stackup-copy-\(getpid())-\(temporaries)"
        do {
            switch entry.kind {
            case .folder, .removal: break
            case .link(let target):
                let words = target.map { CChar(bitPattern: $0) } + [0]
                try retryingInterrupts("symlinkat", on: shown) { symlinkat(words, parent, temporary) }
                if keepsOwners { try give(entry, try MadeEntry.openLink(temporary, to: target, in: parent, shown), shown) }
            case .file:
                let number = Glibc.openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
                guard number >= 0 else { throw SystemCallError("openat", shown) }
                let file = FileDescriptor(owning: number)
                while case let count = try buffer.withUnsafeMutableBytes({ try reader.read($0) }), count > 0 {
                    try buffer.withUnsafeBytes { try file.writeAll(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                }
                guard fchmod(file.number, entry.mode & 0o777) == 0 else { throw SystemCallError("fchmod", shown) }
                Self.date(file.number, entry.modified)
                try give(entry, file, shown)
            }
            guard renameat(parent, temporary, parent, name) == 0 else {
                if errno == EISDIR, mirrors, try removeOne(name, in: parent, shown) {
                    try retryingInterrupts("renameat", on: shown) { renameat(parent, temporary, parent, name) }
                    return
                }
                if errno == EISDIR { throw CopyError("\(shown) is a folder there: a file cannot take its place") }
                throw SystemCallError("renameat", shown)
            }
        } catch {
            unlinkat(parent, temporary, 0)
            throw error
        }
    }

    /// Takes a file or an empty folder away. What is in a folder besides what was copied is the service's own, and stays.
    ///
    /// - Returns: whether nothing is there now.
    @discardableResult
    private func removeOne(_ name: [CChar], in parent: Int32, _ shown: String) throws -> Bool {
        if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return true }
        guard errno == EISDIR || errno == EPERM else { throw SystemCallError("unlinkat", shown) }
        if unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        guard errno == ENOTEMPTY || errno == EEXIST else { throw SystemCallError("unlinkat", shown) }
        return false
    }

    private func give(_ entry: ArchiveEntry, _ made: borrowing FileDescriptor, _ shown: String) throws {
        let itself: Int32 = 0x1000  // AT_EMPTY_PATH
        guard keepsOwners, fchownat(made.number, "", entry.uid, entry.gid, itself | AT_SYMLINK_NOFOLLOW) != 0 else { return }
        throw SystemCallError("fchownat", shown)
    }

    private static func date(_ file: Int32, _ modified: Int64) {
        var times = [timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: Int(modified), tv_nsec: 0)]
        times[0].tv_nsec = 0x3FFF_FFFE  // UTIME_OMIT
        _ = futimens(file, times)
    }
}

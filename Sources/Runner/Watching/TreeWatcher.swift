import Glibc
import Linux

/// Why files can't be watched.
public struct WatchError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// What a limit of the kernel's means (inotify(7)). A user namespace may have a lower one than the host.
    ///
    /// - Parameters:
    ///   - kind: `watches` or `instances`.
    ///   - remedy: what to do instead of raising it.
    static func limit(_ kind: String, of what: String, orElse remedy: String) -> WatchError {
        func number(_ setting: String) -> Int? {
            let path = "/proc/sys/" + setting.split(separator: ".").joined(separator: "/")
            let text = (try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 64)) ?? nil
            return text.flatMap { Int(String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self)) }
        }
        let settings = ["fs.inotify.max_user_\(kind)", "user.max_inotify_\(kind)"]
        let lowest = settings.compactMap { setting in number(setting).map { (setting, $0) } }.min { $0.1 < $1.1 }
        guard let (setting, value) = lowest else { return WatchError("\(what): the kernel watches no more; \(remedy)") }
        return WatchError(
            "\(what): this user has as many as \(setting) allows (\(value)); \(remedy), or raise it, as root: sysctl \(setting)=\(max(value * 4, 128))")
    }
}

/// Tells what changes in folders of the host, with all that is below them (inotify(7)).
///
/// Nothing is looked at while nothing changes. It is walked by descriptor, and no symbolic link is followed on the way: a folder that a
/// service exchanges for a link is none any more.
public final class TreeWatcher {
    /// What has changed since the last time.
    public struct Changes: Sendable {
        /// Absolute, in the kernel's bytes. Whether something lies there still, one has to look.
        public var paths: Set<[UInt8]> = []
        /// Whether some of the news was lost, so that it is all there is.
        public var isEverything = false

        public init() {}
    }

    private struct Folder {
        let path: [UInt8]
        /// Whether all that it holds is watched.
        var isWhole: Bool
        /// Otherwise what of it.
        var names: Set<[UInt8]>
    }

    private static let events = UInt32(
        IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR | IN_EXCL_UNLINK)
    private static let deepest = 256

    private var inotify: FileDescriptor
    private let roots: [[UInt8]]
    /// Whether a folder is gone into.
    private let isWanted: (_ path: [UInt8], _ status: stat) -> Bool
    /// By watch descriptor.
    private var folders: [Int32: Folder] = [:]
    /// What lies below the roots, to know what is gone when news of it was lost.
    private var known: Set<[UInt8]> = []
    /// Folders that could not be read.
    public private(set) var unreadable: [String] = []

    /// Readable when something has changed. It may be another one after ``changes()``.
    public var descriptor: Int32 { inotify.number }

    /// Whether nothing is left that could be watched.
    public var isBlind: Bool { folders.isEmpty }

    /// - Parameters:
    ///   - roots: absolute paths of files and folders without symbolic links; they may come later than this.
    ///   - isWanted: whether to go into a folder.
    /// - Throws: ``WatchError`` where the kernel watches no more, or where a folder that a root lies in is missing.
    public init(roots: [String], isWanted: @escaping (_ path: [UInt8], _ status: stat) -> Bool) throws {
        self.roots = roots.map { Array($0.utf8) }
        self.isWanted = isWanted
        inotify = try Self.open()
        try watchRoots { _ in }
    }

    private static func open() throws -> FileDescriptor {
        let number = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        if number < 0, errno == EMFILE { throw WatchError.limit("instances", of: "nothing more can be watched", orElse: "end another program that watches files") }
        guard number >= 0 else { throw SystemCallError("inotify_init1") }
        return FileDescriptor(owning: number)
    }

    /// Everything that lies below a root now.
    public func everything(below root: String) -> [[UInt8]] {
        let start = Array(root.utf8)
        return known.filter { Self.lies($0, in: start) }
    }

    /// What has changed by now; nothing is waited for.
    public func changes() throws -> Changes {
        var changes = Changes()
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let number = inotify.number
            let count = read(number, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return changes }
            guard try take(buffer[..<count], into: &changes) else { return try everythingAnew() }
        }
    }

    /// - Returns: false where some were lost.
    private func take(_ bytes: ArraySlice<UInt8>, into changes: inout Changes) throws -> Bool {
        let header = MemoryLayout<inotify_event>.size
        var offset = 0
        while offset + header <= bytes.count {
            let event = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
            let name = Array(bytes[(offset + header)...].prefix(Int(event.len)).prefix { $0 != 0 })
            offset += header + Int(event.len)
            if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return false }
            if event.mask & UInt32(IN_IGNORED) != 0 {
                folders[event.wd] = nil
                continue
            }
            guard let folder = folders[event.wd], !name.isEmpty, folder.isWhole || folder.names.contains(name) else { continue }
            try take(event.mask, folder.path == [47] ? [47] + name : folder.path + [47] + name, into: &changes)
        }
        return true
    }

    private func take(_ mask: UInt32, _ path: [UInt8], into changes: inout Changes) throws {
        let isFolder = mask & UInt32(IN_ISDIR) != 0
        let isGone = mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0
        guard isFolder else {
            if isGone { known.remove(path) } else { known.insert(path) }
            changes.paths.insert(path)
            return
        }
        guard mask & UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) != 0 else { return }
        changes.paths.insert(path)
        if mask & UInt32(IN_MOVED_FROM) != 0 { changes.paths.formUnion(forget(path)) }
        guard !isGone else { return }
        known.remove(path)
        // What was put into it before it was watched, nobody has told.
        try watch(path) { changes.paths.insert($0) }
    }

    /// Forgets a folder that was moved: it keeps its watches, which would tell of it by its old name, and of what it holds nobody tells that it is
    /// gone.
    ///
    /// - Returns: what was known in there.
    private func forget(_ path: [UInt8]) -> Set<[UInt8]> {
        var gone = known.filter { Self.lies($0, in: path) }
        known.subtract(gone)
        for (watch, folder) in folders where folder.isWhole && Self.lies(folder.path, in: path) {
            inotify_rm_watch(inotify.number, watch)
            folders[watch] = nil
            gone.insert(folder.path)
        }
        return gone
    }

    /// The queue was full (`IN_Q_OVERFLOW`): what lies there is all that is certain.
    private func everythingAnew() throws -> Changes {
        var changes = Changes()
        changes.isEverything = true
        changes.paths = known.union(folders.values.filter(\.isWhole).map(\.path))
        inotify = try Self.open()
        folders = [:]
        known = []
        try watchRoots { changes.paths.insert($0) }
        return changes
    }

    private func watchRoots(_ found: ([UInt8]) -> Void) throws {
        for root in roots {
            let text = String(decoding: root, as: UTF8.self)
            if root != [47] {
                let parent = Array(Paths.directory(of: text).utf8)
                // A root that is removed and made again, by a version control system for example, is told by the folder that it lies in.
                do {
                    let folder = try FileDescriptor.open(bytes: parent, in: AT_FDCWD, O_PATH | O_DIRECTORY, resolution: [.noSymlinks, .noMagicLinks])
                    try add(folder.number, parent, name: Array(Paths.lastComponent(of: text).utf8))
                } catch let error as SystemCallError {
                    throw WatchError("\(text) cannot be watched: \(error)")
                }
            }
            try watch(root, found)
        }
    }

    /// - Parameter name: what of it is watched; nil: all.
    /// - Returns: false where it can't be read, or has just gone.
    @discardableResult
    private func add(_ folder: Int32, _ path: [UInt8], name: [UInt8]?) throws -> Bool {
        let watch = inotify_add_watch(inotify.number, "/proc/self/fd/\(folder)", Self.events)
        let shown = String(decoding: path, as: UTF8.self)
        guard watch >= 0 else {
            switch errno {
            case ENOSPC: throw WatchError.limit("watches", of: "\(shown) cannot be watched", orElse: "leave folders out with 'ignore'")
            case ENOMEM: throw SystemCallError("inotify_add_watch", shown)
            case EACCES where !unreadable.contains(shown): unreadable.append(shown)
            default: break
            }
            return false
        }
        var entry = folders[watch] ?? Folder(path: path, isWhole: false, names: [])
        if let name { entry.names.insert(name) } else { entry.isWhole = true }
        folders[watch] = entry
        return true
    }

    /// Watches what lies at a path, and all that is below it.
    private func watch(_ path: [UInt8], _ found: ([UInt8]) -> Void) throws {
        guard let file = try? FileDescriptor.open(
            bytes: path, in: AT_FDCWD, O_PATH | O_NOFOLLOW, resolution: [.noSymlinks, .noMagicLinks]), let status = try? file.status()
        else { return }
        try watch(file, status, path, depth: 0, found)
    }

    private func watch(
        _ file: borrowing FileDescriptor, _ status: stat, _ path: [UInt8], depth: Int, _ found: ([UInt8]) -> Void
    ) throws {
        guard FileKind(status) == .folder else {
            known.insert(path)
            return found(path)
        }
        guard depth < Self.deepest, isWanted(path, status) else { return }
        found(path)
        // Before it is read: what comes after that is told.
        guard try add(file.number, path, name: nil), let listing = try? FileDescriptor.open("/proc/self/fd/\(file.number)", O_RDONLY | O_DIRECTORY)
        else { return }
        for child in DirectoryListing.bytes(in: listing.number).map({ $0.dropLast().map { UInt8(bitPattern: $0) } }) {
            guard let file = try? FileDescriptor.open(
                bytes: child, in: listing.number, O_PATH | O_NOFOLLOW, resolution: [.beneath, .noMagicLinks]), let status = try? file.status()
            else { continue }
            try watch(file, status, path == [47] ? [47] + child : path + [47] + child, depth: depth + 1, found)
        }
    }

    private static func lies(_ path: [UInt8], in folder: [UInt8]) -> Bool {
        folder == [47] || path.starts(with: folder) && (path.count == folder.count || path[folder.count] == 47)
    }
}

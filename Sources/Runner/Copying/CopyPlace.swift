import CLinux
import Glibc
import Linux
import Reconciler

/// Where paths that a copy names are looked up.
///
/// On the host as its caller means them. In a service below the root that its processes have, whatever links they lay: its own rights are
/// the process's that does this (`CopySide`).
public struct CopyPlace: ~Copyable {
    private let root: FileDescriptor?
    /// -1 for the host.
    private let rootNumber: Int32

    /// The host's folders that services may write to.
    private let distrusted: DistrustedFolders

    /// The host's tree.
    ///
    /// - Parameter distrusted: real paths of folders that services may write to: no link in them is followed.
    public init(distrusting distrusted: [String]) {
        self.distrusted = DistrustedFolders(distrusted)
        root = nil
        rootNumber = -1
    }

    /// A service's.
    public init(root: consuming FileDescriptor) {
        distrusted = DistrustedFolders([])
        rootNumber = root.number
        self.root = consume root
    }

    /// A service's root, for the caller to hand on.
    ///
    /// - Parameter process: a pidfd of its pid 1.
    public static func root(of instance: ObservedInstance, process: borrowing FileDescriptor) throws -> FileDescriptor {
        guard let pid = instance.pid else { throw CopyError("the instance has just ended") }
        let root = try FileDescriptor.open("/proc/\(pid)/root", O_PATH | O_DIRECTORY)
        // It was that process's if that lives still: until then nothing else has its number.
        var state = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, 0) == 0 else { throw CopyError("the instance has just ended") }
        return root
    }

    /// Opens what a path leads to (`O_PATH`); links on the way are followed, but for those of the host that a service may have laid.
    ///
    /// - Parameter followsLast: whether a link at its end is, too.
    func open(_ path: [UInt8], followsLast: Bool) throws -> FileDescriptor {
        guard rootNumber < 0 else {
            return try FileDescriptor.open(
                bytes: path, in: rootNumber, O_PATH | (followsLast ? 0 : O_NOFOLLOW), resolution: [.inRoot, .noMagicLinks])
        }
        let slash = UInt8(ascii: "/")
        var current = try FileDescriptor.open(path.first == slash ? "/" : ".", O_PATH | O_DIRECTORY)
        var rest = path.split(separator: slash)[...].map(Array.init)
        rest.reverse()
        var links = 0
        while let name = rest.popLast() {
            let next = try FileDescriptor.open(bytes: name, in: current.number, O_PATH | O_NOFOLLOW)
            guard FileKind(try next.status()) == .link, followsLast || !rest.isEmpty else {
                current = next
                continue
            }
            let shown = String(decoding: name, as: UTF8.self)
            links += 1
            guard links <= 40 else { throw SystemCallError("openat2", shown, code: ELOOP) }
            guard !distrusted.contain(current.number) else {
                throw CopyError("\(shown) is a symbolic link in a folder that a service may write to, and is not followed; name what it leads to")
            }
            let target = try next.linkTarget()
            if target.first == slash { current = try FileDescriptor.open("/", O_PATH | O_DIRECTORY) }
            rest += target.split(separator: slash).map(Array.init).reversed()
        }
        return current
    }
}

extension FileDescriptor {
    /// Where a symbolic link leads that this is a descriptor of.
    func linkTarget() throws(SystemCallError) -> [UInt8] {
        var target = [UInt8](repeating: 0, count: 4096)
        let number = number
        let count = try retryingInterrupts("readlinkat") { clinux_read_link(number, &target, target.count) }
        return Array(target.prefix(count))
    }
}

/// What a file is, by its mode.
enum FileKind {
    case file, folder, link, other

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .folder
        case S_IFLNK: self = .link
        default: self = .other
        }
    }
}

/// A path's last name and what is before it.
struct SplitPath {
    var parent: [UInt8]
    var name: [UInt8]
    /// Whether it says itself that it is a folder.
    var isFolder: Bool
    /// Whether it means a folder's content rather than the folder (`x/.`).
    var isContent: Bool

    init(_ path: [UInt8]) {
        let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
        var path = path[...]
        isContent = path.elementsEqual([dot]) || path.suffix(2).elementsEqual([slash, dot])
        isFolder = path.last == slash || isContent
        while path.count > 1, path.last == slash || path.suffix(2).elementsEqual([slash, dot]) { path = path.dropLast() }
        let cut = path.lastIndex(of: slash)
        name = Array(cut.map { path[($0 + 1)...] } ?? path)
        parent = cut.map { $0 == path.startIndex ? [slash] : Array(path[..<$0]) } ?? [dot]
        if name == [dot, dot] || name == [dot] || name.isEmpty { isFolder = true }
    }
}

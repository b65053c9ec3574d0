import CLinux
import Glibc

/// The way to folders that nobody but root and the caller can put something else in the place of.
///
/// Who may write to one folder on the way can lead all that lies below it elsewhere: a link, and what was to be removed
/// here is removed there.
public enum SafePath {
    /// Opens a folder after a look at each one on the way, and at itself.
    ///
    /// They have to belong to root or to the caller, and nobody else may write to them, unless they are sticky (as
    /// `/tmp` is): there everybody can remove only what is his own. A link has to be root's or the caller's.
    ///
    /// - Parameters:
    ///   - path: as a person gave it; a relative one starts from the working directory.
    ///   - create: makes the folders that are missing, mode 0700.
    ///   - durably: writes those that are made through to the disk.
    /// - Returns: a descriptor to start from (`O_PATH`); nil where there is no such folder.
    public static func open(
        _ path: String, create: Bool = false, durably: Bool = false
    ) throws(SafePathError) -> FileDescriptor? {
        var rest = Paths.components(try absolute(path)).reversed().map(String.init)
        var place: [String] = []
        var folder = try entry("/", in: AT_FDCWD, "/")
        var links = 0
        while let name = rest.popLast() {
            if name == "." { continue }
            let path = "/" + (place + [name]).joined(separator: "/")
            if name == ".." {
                _ = place.popLast()
                folder = try entry(name, in: folder.number, path)
                continue
            }
            if create, faccessat(folder.number, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0, errno == ENOENT {
                try make(name, in: folder.number, path, durably: durably)
            }
            let next: FileDescriptor
            do {
                next = try entry(name, in: folder.number, path)
            } catch {
                if case .system(let reason) = error, reason.code == ENOENT { return nil }
                throw error
            }
            let status = try status(of: next, path)
            if status.st_mode & S_IFMT != S_IFLNK {
                try check(next, status, path)
                place.append(name)
                folder = next
                continue
            }
            try checkOwner(status, path)
            links += 1
            guard links <= 40 else { throw .system(SystemCallError("openat", path, code: ELOOP)) }
            let target = try target(of: next, path)
            rest += Paths.components(target).reversed().map(String.init)
            if target.utf8.first == UInt8(ascii: "/") {
                place = []
                folder = try entry("/", in: AT_FDCWD, "/")
            }
        }
        return folder
    }

    private static func absolute(_ path: String) throws(SafePathError) -> String {
        if path.utf8.first == UInt8(ascii: "/") { return path }
        guard let directory = getcwd(nil, 0) else { throw .system(SystemCallError("getcwd")) }
        defer { free(directory) }
        return String(cString: directory) + "/" + path
    }

    private static func entry(_ name: String, in folder: Int32, _ path: String) throws(SafePathError) -> FileDescriptor {
        try SafePathError.wrapping(path) { () throws(SystemCallError) in
            try FileDescriptor.open(name, in: folder, O_PATH | O_NOFOLLOW)
        }
    }

    static func status(of descriptor: borrowing FileDescriptor, _ path: String) throws(SafePathError) -> stat {
        let number = descriptor.number
        return try SafePathError.wrapping(path) { () throws(SystemCallError) in
            var status = stat()
            try retryingInterrupts("fstat") { fstat(number, &status) }
            return status
        }
    }

    private static func make(_ name: String, in folder: Int32, _ path: String, durably: Bool) throws(SafePathError) {
        try SafePathError.wrapping(path) { () throws(SystemCallError) in
            if mkdirat(folder, name, 0o700) != 0 {
                // ENOENT: the folder that it was to be made in is removed just now.
                if errno == EEXIST || errno == ENOENT { return }
                throw SystemCallError("mkdir")
            }
            guard durably else { return }
            let parent = try FileDescriptor.open(".", in: folder, O_RDONLY | O_DIRECTORY)
            let number = parent.number
            try retryingInterrupts("fsync") { fsync(number) }
        }
    }

    private static func target(of link: borrowing FileDescriptor, _ path: String) throws(SafePathError) -> String {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(link.number, "", &bytes, bytes.count - 1)
        guard count >= 0 else { throw .system(SystemCallError("readlink", path)) }
        guard let text = String(validating: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) else {
            throw .system(SystemCallError("readlink", path, code: EILSEQ))
        }
        return text
    }

    private static func check(_ folder: borrowing FileDescriptor, _ status: stat, _ path: String) throws(SafePathError) {
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .system(SystemCallError("openat", path, code: ENOTDIR)) }
        try checkOwner(status, path)
        if status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0 { return }
        // With a umask of 002, as some distributions have it, what a user makes is open to a group that has nobody else in it.
        // An access control list (acl(5)) shows in the group's bits too.
        if status.st_mode & 0o002 == 0, clinux_has_access_list(folder.number) == 0, UserDatabase.host.isOwn(group: status.st_gid, of: geteuid()) { return }
        throw .unsafe(
            path: path, problem: "others may write to this folder",
            remedy: "check what is in it, then run: chmod go-w '\(path)'; or set STACKUP_HOME to another folder")
    }

    private static func checkOwner(_ status: stat, _ path: String) throws(SafePathError) {
        let user = geteuid()
        guard status.st_uid != 0, status.st_uid != user else { return }
        if let map = IdentityMap(.users, of: getpid()), !map.contains(status.st_uid) {
            throw .unsafe(
                path: path, problem: "who owns it, root perhaps, can't be told in this user namespace",
                remedy: "run stackup outside of it, or give the namespace root's number (newuidmap(1))")
        }
        let whose = UserDatabase.host.entry(uid: status.st_uid).map { "\($0.name) (user \(status.st_uid))" } ?? "user \(status.st_uid)"
        throw .unsafe(
            path: path, problem: "this \(status.st_mode & S_IFMT == S_IFLNK ? "link" : "folder") belongs to \(whose), who can lead what is below it elsewhere",
            remedy: "set STACKUP_HOME to a folder of your own, or run: chown -h \(user) '\(path)'")
    }
}

/// Why a folder is not used.
public enum SafePathError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Somebody else has a hold on it.
    case unsafe(path: String, problem: String, remedy: String)
    case system(SystemCallError)

    public var description: String {
        switch self {
        case .unsafe(let path, let problem, let remedy): "\(path): \(problem); \(remedy)"
        case .system(let error): error.description
        }
    }

    /// Runs a call, and names the whole path where it fails.
    static func wrapping<Result: ~Copyable>(
        _ path: String, _ body: () throws(SystemCallError) -> Result
    ) throws(SafePathError) -> Result {
        do {
            return try body()
        } catch {
            throw .system(SystemCallError(error.call, path, code: error.code))
        }
    }
}

import CLinux
import Glibc

/// realpath(3); nil where there is no such file. Where links lead to a name that is no text, the path itself: who
/// opens it follows them again.
public func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(validatingCString: resolved) ?? path
}

/// realpath(3) of many paths, which walks each directory once: secrets and home folders lie side by side.
public struct RealPathWalk {
    /// What each directory on the way is, by the path that led there; nil where there is none.
    private var directories: [Bytewise<String>: String?] = [Bytewise(""): "/"]

    public init() {}

    /// - Returns: nil where there is nothing.
    public mutating func realPath(_ path: String) -> String? {
        guard path.utf8.first == UInt8(ascii: "/"), let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return Linux.realPath(path)
        }
        let name = path[path.utf8.index(after: slash)...]
        guard !["", ".", ".."].contains(name) else { return Linux.realPath(path) }
        guard let directory = directory(String(path[..<slash])) else { return nil }
        let place = directory == "/" ? "/" + name : directory + "/" + name
        var start: CChar = 0
        if readlink(place, &start, 1) >= 0 { return Linux.realPath(place) }
        // EINVAL: it is there, and no link.
        return errno == EINVAL ? place : nil
    }

    private mutating func directory(_ path: String) -> String? {
        if let known = directories[Bytewise(path)] { return known }
        let real = realPath(path)
        directories.updateValue(real, forKey: Bytewise(path))
        return real
    }
}

/// Tells the file at a path from another one that takes its place later; nil where there is none.
///
/// An inode's number is given again soon after its file is gone, so the time of its birth belongs to it (statx(2)).
public func fileIdentity(_ path: String) -> String? {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    let result = withUnsafeMutableBytes(of: &words) { clinux_file_identity(path, $0.baseAddress?.assumingMemoryBound(to: UInt64.self)) }
    return result == 0 ? "\(words.0):\(words.1):\(words.2).\(words.3)" : nil
}

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
        let name = String(path[path.utf8.index(after: slash)...])
        guard !["", ".", ".."].contains(name) else { return Linux.realPath(path) }
        guard let directory = directory(String(path[..<slash])) else { return nil }
        let place = directory == "/" ? "/" + name : directory + "/" + name
        var start: CChar = 0
        if readlink(place, &start, 1) >= 0 { return Linux.realPath(place) }
        // EINVAL: it is there, and no link.
        return errno == EINVAL ? place : nil
    }

    /// Whether something lies at a path, and no symbolic link on the way.
    ///
    /// - Parameter path: absolute and clean.
    public mutating func isReal(_ path: String) -> Bool {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return false }
        let parent = String(path[..<slash])
        guard parent.isEmpty || directory(parent)?.hasSameBytes(as: parent) == true else { return false }
        var start: CChar = 0
        return readlink(path, &start, 1) < 0 && errno == EINVAL
    }

    private mutating func directory(_ path: String) -> String? {
        if let known = directories[Bytewise(path)] { return known }
        let real = realPath(path)
        directories.updateValue(real, forKey: Bytewise(path))
        return real
    }
}

/// Where an absolute path leads, as far as it exists; what is missing of it stays as written.
public struct ResolvedPath: Equatable, Sendable {
    /// Without symbolic links.
    public private(set) var path: String
    /// The symbolic links on the way, by their own real paths.
    public private(set) var links: [String] = []

    /// As many links as the kernel itself follows (path_resolution(7)).
    private static let linkLimit = 40

    /// - Throws: where there are too many links, or where one leads to a name that is no text.
    public init(_ path: String) throws(SystemCallError) {
        var resolved: [String] = []
        var rest = Paths.components(path).map(String.init)
        rest.reverse()
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = resolved.popLast()
                continue
            }
            let place = "/" + (resolved + [name]).joined(separator: "/")
            guard let target = try Self.link(at: place) else {
                resolved.append(name)
                continue
            }
            links.append(place)
            guard links.count <= Self.linkLimit else { throw SystemCallError("readlink", path, code: ELOOP) }
            if target.utf8.first == UInt8(ascii: "/") { resolved = [] }
            rest += Paths.components(target).reversed().map(String.init)
        }
        self.path = "/" + resolved.joined(separator: "/")
    }

    /// nil where there is none.
    private static func link(at place: String) throws(SystemCallError) -> String? {
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = text.withUnsafeMutableBytes { buffer in
            readlink(place, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard count >= 0 else { return nil }
        guard let target = String(validating: text[..<count], as: UTF8.self) else {
            throw SystemCallError("readlink", place, code: EILSEQ)
        }
        return target
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

/// Paths as text; nothing here looks at a file system.
///
/// They are taken apart as the kernel does it, byte by byte (path_resolution(7)): for Swift a slash and an accent that
/// follows it are one character, and so no slash.
public enum Paths {
    /// Without `.`, `..`, doubled and trailing slashes; `.` where nothing is left.
    public static func clean(_ path: String) -> String {
        if isClean(path) { return path }
        let (slash, dot) = (UInt8(ascii: "/"), UInt8(ascii: "."))
        let absolute = path.utf8.first == slash
        // Each name with a slash before it.
        var clean: [UInt8] = []
        // How many of them `..` can take back.
        var depth = 0
        for part in Array(path.utf8).split(separator: slash) where part != [dot] {
            if part != [dot, dot] {
                depth += 1
            } else if let last = clean.lastIndex(of: slash), depth > 0 {
                clean.removeSubrange(last...)
                depth -= 1
                continue
            } else if absolute {
                continue
            }
            clean.append(slash)
            clean += part
        }
        guard !clean.isEmpty else { return absolute ? "/" : "." }
        return String(decoding: absolute ? clean[...] : clean.dropFirst(), as: UTF8.self)
    }

    /// The parts between slashes, empty ones left out.
    public static func components(_ path: String) -> [Substring] {
        // A slash is one byte; to walk characters instead costs many times as much.
        path.utf8.split(separator: UInt8(ascii: "/")).map(Substring.init)
    }

    /// Most paths are, and a look at the bytes is cheaper than taking them apart.
    private static func isClean(_ path: String) -> Bool {
        var copy = path
        return copy.withUTF8 { bytes in
            guard let last = bytes.last, last != UInt8(ascii: "/") else { return bytes.count == 1 }
            let (slash, dot) = (UInt8(ascii: "/"), UInt8(ascii: "."))
            // Where the name at hand starts.
            var start = bytes[0] == slash ? 1 : 0
            for index in start...bytes.count where index == bytes.count || bytes[index] == slash {
                switch index - start {
                case 0: return false
                case 1 where bytes[start] == dot: return false
                case 2 where bytes[start] == dot && bytes[start + 1] == dot: return false
                default: start = index + 1
                }
            }
            return true
        }
    }

    /// `path` seen from `directory`, and clean.
    public static func join(_ directory: String, _ path: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? clean(path) : clean(directory + "/" + path)
    }

    /// The path seen from `directory`, with a leading `~` as the caller's home; absolute paths stay as written.
    public static func absolute(_ path: String, from directory: String, home: String?) -> String {
        if path.hasPrefix("~"), let home { return join(home, "./" + path.dropFirst()) }
        return path.utf8.first == UInt8(ascii: "/") ? path : join(directory, path)
    }

    /// What is before the last slash; `.` where there is none.
    public static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last name of a path.
    public static func lastComponent(of path: String) -> String {
        let path = clean(path)
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// The way from a folder down to a path; empty where they are the same, nil where it does not lie in there.
    ///
    /// - Parameters: both clean and absolute.
    public static func rest(of path: String, below folder: String) -> String? {
        guard folder != "/" else { return String(path.dropFirst()) }
        guard path.utf8.starts(with: folder.utf8) else { return nil }
        let rest = path.utf8.dropFirst(folder.utf8.count)
        guard let first = rest.first else { return "" }
        return first == UInt8(ascii: "/") ? String(Substring(rest.dropFirst())) : nil
    }

    /// The path seen from a folder, with `..` where it lies outside; the opposite of ``join(_:_:)``.
    ///
    /// - Parameters: both clean and absolute.
    public static func relative(_ path: String, to folder: String) -> String {
        let (parts, base) = (components(path), components(folder))
        let common = zip(parts, base).prefix { $0 == $1 }.count
        let ways = base.dropFirst(common).map { _ in ".." } + parts.dropFirst(common)
        return ways.isEmpty ? "." : ways.joined(separator: "/")
    }
}

/// Paths as text; nothing here looks at a file system.
enum Paths {
    /// Without `.`, `..`, doubled and trailing slashes; `.` where nothing is left.
    static func clean(_ path: String) -> String {
        if isClean(path) { return path }
        let absolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in components(path) where part != "." {
            if part != ".." {
                parts.append(part)
            } else if let last = parts.last, last != ".." {
                parts.removeLast()
            } else if !absolute {
                parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        return absolute ? "/" + joined : joined.isEmpty ? "." : joined
    }

    /// The parts between slashes, empty ones left out.
    static func components(_ path: String) -> [Substring] {
        // A slash is one byte; to walk characters instead costs many times as much.
        path.utf8.split(separator: UInt8(ascii: "/")).map(Substring.init)
    }

    /// Most paths are, and a look at the bytes is cheaper than taking them apart.
    private static func isClean(_ path: String) -> Bool {
        var copy = path
        return copy.withUTF8 { bytes in
            guard let last = bytes.last, last != UInt8(ascii: "/") else { return bytes.count == 1 }
            var previous = UInt8(ascii: "/")
            for (index, byte) in bytes.enumerated() {
                // Names such as `.env` look like `.` here, and take the longer way.
                if previous == UInt8(ascii: "/"), byte == UInt8(ascii: ".") { return false }
                if previous == UInt8(ascii: "/"), byte == UInt8(ascii: "/"), index > 0 { return false }
                previous = byte
            }
            return true
        }
    }

    static func join(_ directory: String, _ path: String) -> String {
        path.hasPrefix("/") ? clean(path) : clean(directory + "/" + path)
    }

    /// The path seen from `directory`, with a leading `~` as the caller's home; absolute paths stay as written.
    static func absolute(_ path: String, from directory: String, home: String?) -> String {
        if path.hasPrefix("~"), let home { return join(home, "./" + path.dropFirst()) }
        return path.hasPrefix("/") ? path : join(directory, path)
    }

    static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func lastComponent(of path: String) -> String {
        String(components(clean(path)).last ?? "")
    }
}

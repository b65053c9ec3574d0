import Glibc
import Linux
import Words
import YAML

/// Makes the paths of attributes absolute: seen from the directory of the file that they stand in.
struct PathResolution {
    /// What becomes of a path.
    enum Form {
        case absolute
        /// Relative to the project's directory.
        case relative
        case asWritten
    }

    let home: String?
    let projectDirectory: String
    /// What becomes of the paths in a text.
    let form: (SourceText) -> Form

    /// A path of this host; an empty one stays empty.
    func local(_ node: Node) -> Node {
        guard let text = node.string, !text.isEmpty else { return node }
        return resolved(node, text)
    }

    /// A path that may be one of Windows; an empty one is the directory itself.
    func anySystem(_ node: Node) -> Node {
        guard let text = node.string, !Self.isWindowsPath(text) else { return node }
        return resolved(node, text)
    }

    private func resolved(_ node: Node, _ text: String) -> Node {
        let source = node.place.source
        let form = form(source)
        if case .asWritten = form { return node }
        let absolute = Paths.absolute(text, from: source.baseDirectory, home: home)
        guard case .relative = form, !text.hasPrefix("/"), !text.hasPrefix("~") else { return node.with(.string(absolute)) }
        return node.with(.string(Paths.relative(absolute, to: projectDirectory)))
    }

    /// A build context, which may be a URL or another service as well as a directory.
    func buildContext(_ node: Node) -> Node {
        guard let text = node.string else { return node }
        let isRemote = text.contains(part: "://") || text.hasPrefix("git@") || text.hasPrefix("github.com/")
            || text.hasPrefix("service:")
        return isRemote ? node : local(node)
    }

    /// A path that is watched: the first symbolic link on the way is followed, since events name what it leads to.
    func watched(_ node: Node) -> Node {
        let absolute = local(node)
        if case .asWritten = form(node.place.source) { return absolute }
        guard let text = absolute.string, text.hasPrefix("/") else { return absolute }
        var prefix = ""
        for component in Paths.components(text) {
            prefix += "/" + component
            var status = stat()
            guard lstat(prefix, &status) == 0 else { break }
            guard status.st_mode & S_IFMT == S_IFLNK else { continue }
            guard let target = realPath(prefix) else { break }
            return absolute.with(.string(target + String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)))
        }
        return absolute
    }

    /// `C:\…`, `C:/…` or `\\server\…`.
    private static func isWindowsPath(_ text: String) -> Bool {
        let bytes = Array(text.utf8.prefix(3))
        func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/") }
        guard bytes.count > 1 else { return false }
        if bytes[1] == UInt8(ascii: ":") { return bytes.count > 2 && isSeparator(bytes[2]) }
        return isSeparator(bytes[0]) && isSeparator(bytes[1])
    }
}

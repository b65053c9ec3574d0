import Glibc
import Linux
import YAML

/// Makes the paths of attributes absolute: seen from the directory of the file that they stand in.
struct PathResolution {
    let home: String?
    /// Whether paths are not left as they stand.
    let isEnabled: Bool

    /// A path of this host; an empty one stays empty.
    func local(_ node: Node) -> Node {
        guard isEnabled, let text = node.string, !text.isEmpty else { return node }
        return node.with(.string(Paths.absolute(text, from: node.place.source.baseDirectory, home: home)))
    }

    /// A path that may be one of Windows; an empty one is the directory itself.
    func anySystem(_ node: Node) -> Node {
        guard isEnabled, let text = node.string else { return node }
        if Self.isWindowsPath(text) { return node }
        return node.with(.string(Paths.absolute(text, from: node.place.source.baseDirectory, home: home)))
    }

    /// A build context, which may be a URL or another service as well as a directory.
    func buildContext(_ node: Node) -> Node {
        guard let text = node.string else { return node }
        let isRemote = text.contains("://") || text.hasPrefix("git@") || text.hasPrefix("github.com/")
            || text.hasPrefix("service:")
        return isRemote ? node : local(node)
    }

    /// A path that is watched: the first symbolic link on the way is followed, since events name what it leads to.
    func watched(_ node: Node) -> Node {
        let absolute = local(node)
        guard isEnabled, let text = absolute.string else { return absolute }
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

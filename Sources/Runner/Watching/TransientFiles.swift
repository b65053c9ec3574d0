/// Files that come and go beside those that people edit, and what version control keeps: no change of them is worth anything to a service.
///
/// Source: what `docker compose watch` leaves out by itself.
public enum TransientFiles {
    /// Whether a path, or a folder on the way to it, is one.
    ///
    /// - Parameter rest: the way from the watched folder to it.
    public static func contain(_ rest: String) -> Bool {
        rest.utf8.split(separator: UInt8(ascii: "/")).contains { isTransient(Array($0)) }
    }

    private static func isTransient(_ name: [UInt8]) -> Bool {
        let isHidden = name.first == UInt8(ascii: ".")
        func ends(_ text: String) -> Bool { name.count >= text.utf8.count && name.suffix(text.utf8.count).elementsEqual(text.utf8) }
        // Version control, JetBrains, Emacs, Vim.
        if isHidden, [".git", ".idea"].contains(where: { name.elementsEqual($0.utf8) }) || name.starts(with: ".#".utf8) { return true }
        if isHidden, [".swp", ".swx", ".swo", ".swn"].contains(where: ends) { return true }
        return ends("~") || ends("___jb_old___") || ends("___jb_tmp___") || name.elementsEqual("4913".utf8)
    }

    /// Names that nothing is copied of when a watch starts: what describes the project, rather than being part of it.
    public static func isDescription(_ rest: String) -> Bool {
        let name = rest.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? rest
        if name == "Dockerfile" { return true }
        return ["compose", "docker-compose"].contains { stem in
            [".yaml", ".yml", ".override.yaml", ".override.yml"].contains { name == stem + $0 }
        }
    }
}

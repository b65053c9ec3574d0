import Glibc
import Linux

/// Paths that nobody in the sandbox must get at, by whatever way they are reached.
struct HiddenPaths {
    /// Absolute, without symbolic links as far as they exist.
    let paths: [String]

    init(_ paths: [String]) {
        let real = paths.compactMap { try? ResolvedPath($0).path }
        let mounts = try? MountTable.current()
        // The host may have mounted the same folder a second time.
        let aliases = real.flatMap { path in (try? mounts?.aliases(of: path)) ?? [] }
        self.paths = (real + aliases).map { Paths.clean($0) }
    }

    /// Whether a path is one of them.
    func contains(_ path: String) -> Bool {
        paths.contains { $0.hasSameBytes(as: path) }
    }

    /// Whether one of them lies below a folder.
    func lie(below folder: String) -> Bool {
        paths.contains { Paths.rest(of: $0, below: folder) != nil }
    }

    /// Covers those that are there.
    func cover() throws(SystemCallError) {
        var layer = MaskLayer()
        for path in paths { try Self.cover(path, by: &layer) }
    }

    /// A file may be gone, or be another one, between the look at it and its cover.
    private static func cover(_ path: String, by layer: inout MaskLayer) throws(SystemCallError) {
        for _ in 0..<10 {
            do throws(SystemCallError) {
                return try layer.lay(on: path)
            } catch where error.code == ENOENT {
                continue
            }
        }
    }
}

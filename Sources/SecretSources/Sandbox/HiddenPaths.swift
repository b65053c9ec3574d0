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

    /// Whether a path is one of them. What lies beside the key file belongs to it where its name says so: `key.head`, `key.slot-…`.
    func contains(_ path: String) -> Bool {
        paths.contains { hidden in
            path.hasSameBytes(as: hidden) || path.utf8.starts(with: (hidden + ".").utf8) && !path.utf8.dropFirst(hidden.utf8.count).contains(UInt8(ascii: "/"))
        }
    }

    /// Whether one of them lies below a folder.
    func lie(below folder: String) -> Bool {
        paths.contains { Paths.rest(of: $0, below: folder) != nil }
    }

    /// Covers those that are there.
    ///
    /// - Returns: whether all are covered.
    func cover() -> Bool {
        var layer = MaskLayer()
        do {
            for path in present { try layer.lay(on: path) }
            return true
        } catch {
            return false
        }
    }

    private var present: [String] {
        paths.flatMap { path in
            guard let folder = try? FileDescriptor.open(Paths.directory(of: path), O_RDONLY | O_DIRECTORY) else { return [path] }
            let name = Paths.lastComponent(of: path)
            let beside = DirectoryListing.names(in: folder.number).filter { $0.utf8.starts(with: (name + ".").utf8) }
            return [path] + beside.map { Paths.join(Paths.directory(of: path), $0) }
        }
    }
}

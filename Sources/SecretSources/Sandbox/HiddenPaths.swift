import Glibc
import Linux

/// Paths that nobody in the sandbox must get at, by whatever way they are reached.
struct HiddenPaths {
    /// Absolute, without symbolic links as far as they exist.
    let paths: [String]
    private let members: Set<Bytewise<String>>
    /// The folders on the ways to them.
    private let above: Set<Bytewise<String>>

    /// Each is a mount, of which the kernel has a hundred thousand for all namespaces of a user together (`fs.mount-max` is for each).
    static let limit = 20_000

    /// - Throws: `SandboxError` where there are too many, or where one of them can't be told: to leave it out would open it.
    init(_ paths: [String]) throws(SandboxError) {
        guard paths.count <= Self.limit else { throw .tooManyHidden(paths.count) }
        var real: [String] = []
        do throws(SystemCallError) {
            let mounts = try MountTable.current()
            for path in paths {
                guard let path = try Self.real(path) else { continue }
                // The host may have mounted the same folder a second time.
                real += try [path] + mounts.aliases(of: path)
            }
        } catch {
            throw .notClosed(error)
        }
        self.paths = real.map { Paths.clean($0) }.withoutRepeats()
        members = Set(self.paths.map { Bytewise($0) })
        var above: Set<Bytewise<String>> = []
        for path in self.paths {
            var folder = path
            repeat { folder = Paths.directory(of: folder) } while above.insert(Bytewise(folder)).inserted && folder != "/"
        }
        self.above = above
    }

    /// nil where links lead in a circle: nobody gets anywhere by that path.
    private static func real(_ path: String) throws(SystemCallError) -> String? {
        do {
            return try ResolvedPath(path).path
        } catch where error.code == ELOOP {
            return nil
        }
    }

    /// Whether a path is one of them, or lies below one.
    ///
    /// - Parameter path: without symbolic links.
    func hide(_ path: String) -> Bool {
        var place = path
        while !members.contains(Bytewise(place)) {
            guard place != "/", place != "." else { return false }
            place = Paths.directory(of: place)
        }
        return true
    }

    /// Whether one of them lies below a folder.
    func lie(below folder: String) -> Bool { above.contains(Bytewise(folder)) }

    /// Covers those that are there.
    ///
    /// - Throws: where one of them can't be covered.
    func cover() throws(SystemCallError) {
        var layer = MaskLayer()
        for path in paths { try Self.cover(path, by: &layer) }
    }

    /// A file may be gone, or be another one, between the look at it and its cover.
    private static func cover(_ path: String, by layer: inout MaskLayer) throws(SystemCallError) {
        for _ in 0..<100 {
            do throws(SystemCallError) {
                return try layer.lay(on: path)
            } catch where error.code == ENOENT {
                continue
            }
        }
        throw SystemCallError("move_mount", path, code: EAGAIN)
    }
}

import Glibc
import Linux

/// Folders of the host that services may write to, told by what they are: device and inode, whatever name and mount leads there.
final class DistrustedFolders {
    private struct Identity: Hashable {
        let device: dev_t
        let inode: ino_t

        init(_ status: stat) {
            device = status.st_dev
            inode = status.st_ino
        }
    }

    private let paths: [String]
    /// Looked up only where there is a link; nil where not all of them could be.
    private lazy var identities = Self.identities(of: paths)

    /// - Parameter paths: real paths; what is missing is of no importance.
    init(_ paths: [String]) {
        self.paths = paths
    }

    /// Whether a folder is one of them, or lies in one.
    ///
    /// The way up is the kernel's: no text is compared, which would miss a folder that is mounted in two places.
    func contain(_ folder: Int32) -> Bool {
        guard !paths.isEmpty else { return false }
        guard let identities else { return true }
        var last: Identity?
        var current = folder
        defer { if current != folder { close(current) } }
        while true {
            var status = stat()
            guard fstat(current, &status) == 0 else { return true }
            let identity = Identity(status)
            if identities.contains(identity) { return true }
            // The root is its own parent.
            if identity == last { return false }
            last = identity
            let parent = openat(current, "..", O_PATH | O_DIRECTORY | O_CLOEXEC)
            guard parent >= 0 else { return true }
            if current != folder { close(current) }
            current = parent
        }
    }

    /// With the places where the host has mounted parts of them by themselves: from there no way up leads to them.
    private static func identities(of paths: [String]) -> Set<Identity>? {
        guard let mounts = try? MountTable.current() else { return nil }
        var found = Set<Identity>()
        for path in paths {
            guard let aliases = try? mounts.aliases(of: path) else { return nil }
            for place in [path] + aliases {
                do {
                    found.insert(Identity(try FileDescriptor.open(place, O_PATH, resolution: .noSymlinks).status()))
                } catch where [ENOENT, ENOTDIR, ELOOP].contains(error.code) {
                    // Nothing of that name is the service's any more; what it has moved away lies in another of its folders.
                    continue
                } catch {
                    return nil
                }
            }
        }
        return found
    }
}

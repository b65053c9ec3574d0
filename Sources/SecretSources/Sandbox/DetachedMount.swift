import CLinux
import Glibc
import Linux

/// A mount that is to be attached at a path (open_tree(2), move_mount(2)).
final class DetachedMount {
    let path: String
    private let mount: FileDescriptor

    init(_ mount: consuming FileDescriptor, at path: String) {
        self.path = path
        self.mount = mount
    }

    /// What lies at a path, with all that is mounted below. No symbolic link is followed: somebody may have laid it just now.
    convenience init(copying path: String) throws(SystemCallError) {
        let place = try FileDescriptor.open(path, O_PATH, resolution: .noSymlinks)
        let number = place.number
        let copy = FileDescriptor(owning: try retryingInterrupts("open_tree", on: path) { clinux_tree_clone(number, "", 1) })
        self.init(copy, at: path)
    }

    func restrict(_ attributes: UInt64) throws(SystemCallError) {
        let number = mount.number
        try retryingInterrupts("mount_setattr", on: path) { clinux_tree_restrict(number, attributes) }
    }

    /// Makes what it can lie on, where that is missing.
    func makeTarget() {
        Self.makeFolders(Paths.directory(of: path))
        if let status = try? mount.status(), status.st_mode & S_IFMT == S_IFDIR {
            mkdir(path, 0o755)
        } else {
            close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        }
    }

    /// Makes a folder, and those above it, as far as they are missing.
    static func makeFolders(_ path: String) {
        var folder = ""
        for name in Paths.components(path) {
            folder += "/" + name
            mkdir(folder, 0o755)
        }
    }

    /// Puts it on top of what is at its path.
    func attach() throws(SystemCallError) {
        let place = try FileDescriptor.open(path, O_PATH, resolution: .noSymlinks)
        let (number, target) = (mount.number, place.number)
        try retryingInterrupts("move_mount", on: path) { clinux_tree_attach(number, target, 0) }
    }
}

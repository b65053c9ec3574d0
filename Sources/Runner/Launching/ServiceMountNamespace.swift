import CLinux
import Glibc
import Linux

/// A mount namespace whose root is the tmpfs of one service, and which holds nothing else that is not empty.
///
/// Before Linux 6.15 a mount can be copied (open_tree(2)) only from within the namespace that it is attached in,
/// so it has to be attached somewhere; here it is out of sight of every process that does not hold a descriptor of
/// the namespace. A detached mount that is attached for each copy would not do: it can be attached only once,
/// and so would be lost for the supervisor after the next one.
struct ServiceMountNamespace: ~Copyable {
    /// Of the namespace, for setns(2). Who holds it, and has the rights to enter, gets at everything.
    private(set) var descriptor: FileDescriptor
    /// The tmpfs's root, writable from any namespace.
    private(set) var root: FileDescriptor

    /// One with an empty tmpfs.
    ///
    /// - Parameters:
    ///   - size: in bytes; see ``makeRoom(for:)``.
    ///   - bare: what it is made a copy of.
    init(size: Int, bare: borrowing BareMountNamespace) throws(SystemCallError) {
        // In a user namespace, and before Linux 6.4, noswap is refused (tmpfs(5)).
        var mount = clinux_tmpfs(String(size), "0755", 1)
        if mount < 0 { mount = clinux_tmpfs(String(size), "0755", 0) }
        guard mount >= 0 else { throw SystemCallError("fsmount") }
        let root = FileDescriptor(owning: mount)
        descriptor = try bare.copied { () throws(SystemCallError) in
            // On top of the root: who enters the namespace finds this one (setns(2)).
            let place = try FileDescriptor.open("/", O_PATH | O_DIRECTORY)
            let placeNumber = place.number
            try retryingInterrupts("move_mount") { clinux_tree_attach(mount, placeNumber, 0) }
        }
        self.root = root
    }

    /// The one that another supervisor made.
    init(adopting descriptor: consuming FileDescriptor) throws(SystemCallError) {
        let number = descriptor.number
        root = try MountNamespaceVisit.returning { () throws(SystemCallError) in
            try retryingInterrupts("setns") { clinux_join_mounts(number) }
            return try FileDescriptor.open("/", O_PATH | O_DIRECTORY)
        }
        self.descriptor = descriptor
    }

    /// Lets go of it: whatever is asked of it from here on fails.
    mutating func release() {
        root = FileDescriptor(owning: -1)
        descriptor = FileDescriptor(owning: -1)
    }

    /// Runs `body`, which may copy mounts of the tmpfs.
    func entered<Result: ~Copyable>(
        _ body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        let number = descriptor.number
        return try MountNamespaceVisit.returning { () throws(SystemCallError) in
            try retryingInterrupts("setns") { clinux_join_mounts(number) }
            return try body()
        }
    }

    /// A detached copy of what lies at `path` below the root, that can be read only; to be made while ``entered(_:)``.
    func readOnlyCopy(of path: String, isExecutable: Bool = false) throws(SystemCallError) -> FileDescriptor {
        let number = root.number
        let copy = FileDescriptor(owning: try retryingInterrupts("open_tree", on: path) { clinux_tree_clone(number, path, 0) })
        let copyNumber = copy.number
        try retryingInterrupts("mount_setattr", on: path) {
            clinux_tree_change(copyNumber, UInt64(CLINUX_MOUNT_RDONLY), isExecutable ? UInt64(CLINUX_MOUNT_NOEXEC) : 0)
        }
        return copy
    }

    /// Lets the tmpfs grow where `count` more bytes would not fit.
    ///
    /// What counts is the room that is left, not the files: a service may keep old ones open.
    func makeRoom(for count: Int) throws(SystemCallError) {
        let number = root.number
        var (total, left): (UInt64, UInt64) = (0, 0)
        try retryingInterrupts("fstatfs") { clinux_room(number, &total, &left) }
        // The last page may be filled in part only, and folders need some too.
        let needed = UInt64(count) + 65536
        guard left < needed else { return }
        // Twice, so that each file can be replaced without a change of size.
        let size = 2 * (total - left + needed)
        try retryingInterrupts("fsconfig", on: "size of the tmpfs") { clinux_tmpfs_resize(number, String(size)) }
    }
}

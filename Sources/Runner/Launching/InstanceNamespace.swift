import CLinux
import Glibc
import Linux

/// The mount namespace of a running instance, entered for one change at a time.
///
/// What lies there is partly the service's own to arrange, so nothing is trusted for its path alone: places are
/// opened once, inside that root and without the links of `/proc`, and checked to be what they should be.
struct InstanceNamespace {
    private let pid: Int32

    init(_ pid: Int32) {
        self.pid = pid
    }

    /// Puts a mount in the place of the file of ours that is mounted on `target`.
    ///
    /// - Parameter device: of the tmpfs that files of ours are on.
    /// - Throws: `SystemCallError`, `ENOENT` where nothing of ours is mounted there: a mount point for it is made
    ///   only when an instance starts.
    func replace(_ target: String, with mount: borrowing FileDescriptor, device: dev_t) throws(SystemCallError) {
        let number = mount.number
        try entered { () throws(SystemCallError) in
            let folder = try Self.parent(of: target)
            let name = Self.name(of: target)
            let place = try Self.open(name, in: folder.number)
            guard try place.status().st_dev == device else { throw SystemCallError("open", target, code: ENOENT) }
            // Beneath, then the top one off (Linux 6.5): a reader never finds the place empty. Older kernels
            // get the new one on top.
            if clinux_tree_attach(number, place.number, 1) == 0 {
                try Self.detach(name, in: folder)
            } else {
                try retryingInterrupts("move_mount", on: target) { clinux_tree_attach(number, place.number, 0) }
            }
        }
    }

    /// Takes off every file of ours that is mounted on `target`.
    func uncover(_ target: String, device: dev_t) throws(SystemCallError) {
        try entered { () throws(SystemCallError) in
            let folder = try Self.parent(of: target)
            let name = Self.name(of: target)
            for _ in 0..<64 {
                guard let place = try? Self.open(name, in: folder.number), try place.status().st_dev == device else { return }
                try Self.detach(name, in: folder)
            }
        }
    }

    /// Covers files and folders by what nobody can open or enter; those that are covered stay so.
    func mask(_ paths: [String]) throws(SystemCallError) {
        try entered { () throws(SystemCallError) in
            for path in paths {
                guard let folder = try? Self.parent(of: path), let place = try? Self.open(Self.name(of: path), in: folder.number)
                else { continue }
                let status = try place.status()
                // A device is the cover itself.
                guard status.st_mode & S_IFMT == S_IFREG else { continue }
                let cover = FileDescriptor(
                    owning: try retryingInterrupts("open_tree", on: "/dev/null") { clinux_tree_clone(AT_FDCWD, "/dev/null") })
                let (coverNumber, placeNumber) = (cover.number, place.number)
                let attributes = UInt64(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC | CLINUX_MOUNT_NOSUID)
                try retryingInterrupts("mount_setattr", on: path) { clinux_tree_change(coverNumber, attributes, 0) }
                try retryingInterrupts("move_mount", on: path) { clinux_tree_attach(coverNumber, placeNumber, 0) }
            }
        }
    }

    /// Runs `body` in the instance's mount namespace and comes back in all cases: the supervisor has one thread.
    private func entered(_ body: () throws(SystemCallError) -> Void) throws(SystemCallError) {
        let own = try FileDescriptor.open("/proc/self/ns/mnt", O_RDONLY)
        let process = FileDescriptor(owning: try retryingInterrupts("pidfd_open") { clinux_pidfd_open(pid) })
        let (ownNumber, processNumber) = (own.number, process.number)
        try retryingInterrupts("setns", on: "instance") { clinux_join_mounts(processNumber) }
        defer {
            // To go on in a service's mount namespace would be worse than to end.
            if clinux_join_mounts(ownNumber) != 0 { abort() }
        }
        try body()
    }

    /// The folder of a path, opened inside the instance's root.
    private static func parent(of path: String) throws(SystemCallError) -> FileDescriptor {
        try FileDescriptor.open(
            "/" + path.split(separator: "/").dropLast().joined(separator: "/"), O_PATH | O_DIRECTORY,
            resolution: .noMagicLinks)
    }

    /// The last part of a path.
    private static func name(of path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }

    private static func open(_ name: String, in folder: Int32) throws(SystemCallError) -> FileDescriptor {
        try FileDescriptor.open(name, in: folder, O_PATH | O_NOFOLLOW, resolution: .noMagicLinks)
    }

    /// umount2(2) takes a path only: relative to the folder that was checked, it cannot be led elsewhere.
    private static func detach(_ name: String, in folder: borrowing FileDescriptor) throws(SystemCallError) {
        let number = folder.number
        try retryingInterrupts("fchdir") { fchdir(number) }
        try retryingInterrupts("umount2", on: name) { clinux_detach(name) }
    }
}

import CLinux
import Glibc
import Linux

/// The mount namespace of a running instance, entered for one change at a time.
///
/// What lies there is partly the service's own to arrange, so nothing is trusted for its path alone: places are
/// opened once, inside that root and without the links of `/proc`, and checked to be what they should be. Nor is the
/// pid: where a file of ours is no proof, `/run/secrets` has to be. An instance that has ended needs nothing.
struct InstanceNamespace {
    private let pid: Int32
    /// Of the tmpfs that the service's files are on.
    private let device: dev_t
    private let mountsBeneath: Bool

    /// Whether this kernel can put a mount beneath another one (Linux 6.5): it looks at the flags before the descriptors.
    static let kernelMountsBeneath = clinux_tree_attach(-1, -1, 1) != 0 && errno == EBADF

    init(_ pid: Int32, device: dev_t, mountsBeneath: Bool) {
        self.pid = pid
        self.device = device
        self.mountsBeneath = mountsBeneath
    }

    /// Whether one of our files is mounted for a target, or can be: mount points are made only when an instance starts.
    func hasMountPoint(_ target: String) throws(SystemCallError) -> Bool {
        try entered { thread throws(SystemCallError) in
            if try !places(of: target, thread).isEmpty { return true }
            guard let place = try Place.find(target) else { return false }
            // A file that is mounted here but linked nowhere cannot be mounted on.
            return place.status.st_mode & S_IFMT == S_IFREG && place.status.st_nlink > 0 && isInstance
        } ?? true
    }

    /// Puts a mount on `target`, in the place of the file of ours that is mounted there, if one is.
    func replace(_ target: String, with mount: borrowing FileDescriptor) throws(SystemCallError) {
        let number = mount.number
        try entered { thread throws(SystemCallError) in
            for place in try places(of: target, thread) {
                // Beneath, then the top one off: a reader never finds the place empty.
                if mountsBeneath, clinux_tree_attach(number, place.descriptor.number, 1) == 0 { return try place.detach() }
                // Otherwise on top, unless that is a file whose removal a dead supervisor did not finish.
                guard place.status.st_nlink == 0 else { return try place.cover(by: number) }
                try place.detach()
            }
            guard isInstance, let place = try Place.find(target) else { throw SystemCallError("open", target, code: ENOENT) }
            try place.cover(by: number)
        }
    }

    /// Takes off every file of ours that is mounted for `target`, as far as they can be found: a service may move folders
    /// above one about all the time. What it keeps so is empty by then.
    func uncover(_ target: String) throws(SystemCallError) {
        try entered { thread throws(SystemCallError) in
            var (attempts, before) = (16, Int.max)
            while attempts > 0 {
                let count = try MountTable.current(thread).count(of: device, below: ServiceMountLayout.beginning(of: target))
                guard count > 0 else { return }
                // Where they lie on each other, each time takes off one.
                attempts = count < before ? 16 : attempts - 1
                before = min(before, count)
                for place in try places(of: target, thread) { try? place.detach() }
            }
        }
    }

    /// Covers files and folders by what nobody can open or enter; those that are covered stay so.
    ///
    /// - Parameter pins: folders above them that the service could rename, outer ones first: a mount point can't be
    ///   (rename(2)).
    func mask(_ paths: [String], pins: [String]) throws(SystemCallError) {
        try entered { _ throws(SystemCallError) in
            guard isInstance else { throw SystemCallError("setns", "process \(pid) is none of the service", code: EINVAL) }
            for folder in pins { try pin(folder) }
            var layer = MaskLayer()
            for path in paths { try layer.lay(on: path) }
        }
    }

    private func pin(_ path: String) throws(SystemCallError) {
        guard let folder = try? FileDescriptor.open(path, O_PATH | O_DIRECTORY, resolution: .noSymlinks),
            clinux_is_mount_root(folder.number) == 0
        else { return }
        let number = folder.number
        let copy = FileDescriptor(owning: try retryingInterrupts("open_tree", on: path) { clinux_tree_clone(number, "", 1) })
        let copyNumber = copy.number
        try retryingInterrupts("move_mount", on: path) { clinux_tree_attach(copyNumber, number, 0) }
    }

    /// Where files of ours are mounted for a target: the service may have moved a folder on the way, and the mounts with it.
    private func places(of target: String, _ thread: borrowing FileDescriptor) throws(SystemCallError) -> [Place] {
        var found: [Place] = []
        for path in try MountTable.current(thread).places(of: device, below: ServiceMountLayout.beginning(of: target)) {
            // What lies on top there may be another mount.
            if let place = try Place.find(path), place.status.st_dev == device { found.append(place) }
        }
        return found
    }

    /// Whether the namespace that has been entered is one of the service's.
    private var isInstance: Bool {
        var status = stat()
        return stat("/run/secrets", &status) == 0 && status.st_dev == device
    }

    /// Runs `body` in the instance's mount namespace; it is given the calling thread's folder in `/proc`, which can't be
    /// found there.
    ///
    /// - Returns: nil where the instance has ended.
    @discardableResult
    private func entered<Result>(
        _ body: (borrowing FileDescriptor) throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result? {
        let number = clinux_pidfd_open(pid)
        guard number >= 0 else {
            if errno == ESRCH { return nil }
            throw SystemCallError("pidfd_open", "instance")
        }
        let process = FileDescriptor(owning: number)
        let processNumber = process.number
        let thread = try FileDescriptor.open("/proc/thread-self", O_PATH | O_DIRECTORY)
        return try MountNamespaceVisit.returning { () throws(SystemCallError) in
            guard clinux_join_mounts(processNumber) == 0 else {
                if errno == ESRCH { return nil }
                throw SystemCallError("setns", "instance")
            }
            return try body(thread)
        }
    }
}

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

    init(_ pid: Int32, device: dev_t) {
        self.pid = pid
        self.device = device
    }

    /// Whether there is a file that one of ours is or can be mounted on: mount points are made only when an
    /// instance starts.
    func hasMountPoint(_ target: String) throws(SystemCallError) -> Bool {
        try entered { () throws(SystemCallError) in
            guard let place = try Place.find(target) else { return false }
            if place.status.st_dev == device { return true }
            // A file that is mounted here but linked nowhere cannot be mounted on.
            return place.status.st_mode & S_IFMT == S_IFREG && place.status.st_nlink > 0 && isInstance
        } ?? true
    }

    /// Puts a mount on `target`, in the place of the file of ours that is mounted there, if one is.
    func replace(_ target: String, with mount: borrowing FileDescriptor) throws(SystemCallError) {
        let number = mount.number
        try entered { () throws(SystemCallError) in
            guard var place = try Place.find(target) else { throw SystemCallError("open", target, code: ENOENT) }
            if place.status.st_dev == device {
                // Beneath, then the top one off: a reader never finds the place empty.
                if clinux_tree_attach(number, place.descriptor.number, 1) == 0 { return try place.detach() }
                // Before Linux 6.5 on top, unless that is a file whose removal a dead supervisor did not finish.
                if place.status.st_nlink == 0 {
                    try place.detach()
                    guard let uncovered = try Place.find(target) else { throw SystemCallError("open", target, code: ENOENT) }
                    place = uncovered
                }
            }
            try place.cover(by: number)
        }
    }

    /// Takes off every file of ours that is mounted on `target`.
    func uncover(_ target: String) throws(SystemCallError) {
        try entered { () throws(SystemCallError) in
            while let place = try Place.find(target), place.status.st_dev == device { try place.detach() }
        }
    }

    /// Covers files and folders by what nobody can open or enter; those that are covered stay so.
    func mask(_ masks: [Mask]) throws(SystemCallError) {
        try entered { () throws(SystemCallError) in
            guard isInstance else { throw SystemCallError("setns", "process \(pid) is none of the service", code: EINVAL) }
            var layer = MaskLayer()
            for mask in masks { try layer.lay(mask) }
        }
    }

    /// Whether the namespace that has been entered is one of the service's.
    private var isInstance: Bool {
        var status = stat()
        return stat("/run/secrets", &status) == 0 && status.st_dev == device
    }

    /// Runs `body` in the instance's mount namespace.
    ///
    /// - Returns: nil where the instance has ended.
    @discardableResult
    private func entered<Result>(_ body: () throws(SystemCallError) -> Result) throws(SystemCallError) -> Result? {
        let number = clinux_pidfd_open(pid)
        guard number >= 0 else {
            if errno == ESRCH { return nil }
            throw SystemCallError("pidfd_open", "instance")
        }
        let process = FileDescriptor(owning: number)
        let processNumber = process.number
        return try MountNamespaceVisit.returning { () throws(SystemCallError) in
            guard clinux_join_mounts(processNumber) == 0 else {
                if errno == ESRCH { return nil }
                throw SystemCallError("setns", "instance")
            }
            return try body()
        }
    }
}

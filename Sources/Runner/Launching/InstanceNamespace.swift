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
    func mask(_ paths: [String]) throws(SystemCallError) {
        try entered { () throws(SystemCallError) in
            guard isInstance else { throw SystemCallError("setns", "process \(pid) is none of the service", code: EINVAL) }
            for path in paths {
                guard let place = try Place.find(path), !place.isMask else { continue }
                let cover: FileDescriptor
                if place.status.st_mode & S_IFMT == S_IFDIR {
                    cover = FileDescriptor(owning: try retryingInterrupts("fsmount", on: path) { clinux_tmpfs("4k", "0", 0) })
                } else {
                    // A device on a mount without devices cannot be opened at all.
                    cover = FileDescriptor(
                        owning: try retryingInterrupts("open_tree", on: path) { clinux_tree_clone(AT_FDCWD, "/dev/null") })
                }
                let number = cover.number
                let attributes = UInt64(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC | CLINUX_MOUNT_NOSUID)
                try retryingInterrupts("mount_setattr", on: path) { clinux_tree_change(number, attributes, 0) }
                try place.cover(by: number)
            }
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

/// Where a path leads to in the mount namespace that has been entered.
private final class Place {
    /// Its folder.
    private let folder: FileDescriptor
    private let name: String
    /// What lies on top there.
    let descriptor: FileDescriptor
    let status: stat

    private init(folder: consuming FileDescriptor, name: String, descriptor: consuming FileDescriptor, status: stat) {
        self.folder = folder
        self.name = name
        self.descriptor = descriptor
        self.status = status
    }

    /// - Returns: nil where there is nothing.
    static func find(_ path: String) throws(SystemCallError) -> Place? {
        do throws(SystemCallError) {
            var folderPath = ""
            var rest = path
            // As many links as the kernel itself follows (path_resolution(7)).
            for _ in 0..<40 {
                let path = rest.utf8.first == UInt8(ascii: "/") ? rest : "\(folderPath)/\(rest)"
                var parts = path.split(separator: "/")
                guard let name = parts.popLast(), name != ".", name != ".." else { return nil }
                folderPath = "/" + parts.joined(separator: "/")
                let folder = try FileDescriptor.open(folderPath, O_PATH | O_DIRECTORY, resolution: .noMagicLinks)
                let found = try FileDescriptor.open(
                    String(name), in: folder.number, O_PATH | O_NOFOLLOW, resolution: .noMagicLinks)
                let status = try found.status()
                guard status.st_mode & S_IFMT == S_IFLNK else {
                    return Place(folder: folder, name: String(name), descriptor: found, status: status)
                }
                rest = try readLink(found)
            }
            return nil
        } catch {
            switch error.code {
            // Nobody gets through such a path.
            case ENOENT, ENOTDIR, ELOOP, EACCES: return nil
            default: throw error
            }
        }
    }

    private static func readLink(_ link: borrowing FileDescriptor) throws(SystemCallError) -> String {
        let number = link.number
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try retryingInterrupts("readlinkat") {
            text.withUnsafeMutableBytes { readlinkat(number, "", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        }
        return String(decoding: text[..<count], as: UTF8.self)
    }

    /// Whether it is one of the covers that ``InstanceNamespace/mask(_:)`` or stackup-init lays: a device, or the
    /// root of a mount that nobody may enter.
    var isMask: Bool {
        switch status.st_mode & S_IFMT {
        case S_IFCHR: true
        case S_IFDIR: status.st_mode & 0o7777 == 0 && clinux_is_mount_root(descriptor.number) == 1
        default: false
        }
    }

    func cover(by mount: Int32) throws(SystemCallError) {
        let number = descriptor.number
        try retryingInterrupts("move_mount", on: name) { clinux_tree_attach(mount, number, 0) }
    }

    /// Takes off the mount on top. umount2(2) takes a path only: relative to the folder that was opened, it cannot be
    /// led elsewhere.
    func detach() throws(SystemCallError) {
        let number = folder.number
        try retryingInterrupts("fchdir") { fchdir(number) }
        try retryingInterrupts("umount2", on: name) { clinux_detach(name) }
    }
}

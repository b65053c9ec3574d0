import CLinux
import Glibc

/// Lays masks in the mount namespace that has been entered: covers that nobody can open or enter.
///
/// The first cover of each kind is made, and copied for those that follow: a stack has as many as it has secret files.
public struct MaskLayer: ~Copyable {
    private var file: FileDescriptor?
    private var folder: FileDescriptor?

    public init() {}

    /// Covers what lies at a path, if something does and it is not covered yet. No symbolic link is followed: who lays one
    /// must not take something else away with it.
    ///
    /// - Throws: where it can't be covered: it must not be thought to be.
    public mutating func lay(on path: String) throws(SystemCallError) {
        let place: FileDescriptor
        do {
            place = try FileDescriptor.open(path, O_PATH, resolution: .noSymlinks)
        } catch where [ENOENT, ENOTDIR, ELOOP, EACCES].contains(error.code) {
            // Nothing is there, or nothing that this user gets at.
            return
        }
        let status = try place.status()
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        guard !Self.isMask(place, status) else { return }
        if isFolder {
            try Self.cover(place, &folder) { clinux_tmpfs("4k", "0", 0) }
        } else {
            // A device on a mount without devices cannot be opened at all.
            try Self.cover(place, &file) { clinux_tree_clone(AT_FDCWD, "/dev/null", 0) }
        }
    }

    /// Whether it is one of the covers that are laid here or by stackup-init: a device, or the root of a mount that
    /// nobody may enter.
    private static func isMask(_ place: borrowing FileDescriptor, _ status: stat) -> Bool {
        switch status.st_mode & S_IFMT {
        case S_IFCHR: true
        case S_IFDIR: status.st_mode & 0o7777 == 0 && clinux_is_mount_root(place.number) == 1
        default: false
        }
    }

    private static func cover(
        _ place: borrowing FileDescriptor, _ template: inout FileDescriptor?, make: () -> Int32
    ) throws(SystemCallError) {
        if let first = template?.number {
            let copy = FileDescriptor(owning: try retryingInterrupts("open_tree") { clinux_tree_clone(first, "", 0) })
            return try attach(copy, to: place)
        }
        let made = FileDescriptor(owning: try retryingInterrupts("make a mask", make))
        let number = made.number
        let attributes = UInt64(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC | CLINUX_MOUNT_NOSUID)
        try retryingInterrupts("mount_setattr") { clinux_tree_change(number, attributes, 0) }
        try attach(made, to: place)
        template = consume made
    }

    private static func attach(_ mount: borrowing FileDescriptor, to place: borrowing FileDescriptor) throws(SystemCallError) {
        let (number, target) = (mount.number, place.number)
        try retryingInterrupts("move_mount") { clinux_tree_attach(number, target, 0) }
    }
}

import CLinux
import Glibc
import Linux

/// Lays masks in the mount namespace that has been entered: covers that nobody can open or enter.
///
/// The first cover of each kind is made, and copied for those that follow: a stack has as many as it has secret files.
struct MaskLayer: ~Copyable {
    private var file: FileDescriptor?
    private var folder: FileDescriptor?

    /// Covers what lies at its path, if something does and it is not covered yet.
    mutating func lay(_ mask: Mask) throws(SystemCallError) {
        guard let place = try Place.find(mask.path, followingLinks: mask.followsLinks), !place.isMask else { return }
        if place.status.st_mode & S_IFMT == S_IFDIR {
            try Self.cover(place, &folder) { clinux_tmpfs("4k", "0", 0) }
        } else {
            // A device on a mount without devices cannot be opened at all.
            try Self.cover(place, &file) { clinux_tree_clone(AT_FDCWD, "/dev/null") }
        }
    }

    private static func cover(
        _ place: Place, _ template: inout FileDescriptor?, make: () -> Int32
    ) throws(SystemCallError) {
        if let first = template?.number {
            let copy = FileDescriptor(owning: try retryingInterrupts("open_tree") { clinux_tree_clone(first, "") })
            return try place.cover(by: copy.number)
        }
        let made = FileDescriptor(owning: try retryingInterrupts("make a mask", make))
        let number = made.number
        let attributes = UInt64(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC | CLINUX_MOUNT_NOSUID)
        try retryingInterrupts("mount_setattr") { clinux_tree_change(number, attributes, 0) }
        try place.cover(by: number)
        template = consume made
    }
}

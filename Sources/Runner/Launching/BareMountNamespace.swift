import CLinux
import Glibc
import Linux

/// A mount namespace that holds nothing but an empty folder: what those of the services are copies of.
///
/// To copy the host's for each, with all its mounts, and to take these off again, would take several times as long.
public struct BareMountNamespace: ~Copyable {
    private let descriptor: FileDescriptor
    /// The calling thread's folder of namespaces: a bare one has no `/proc`.
    private let own: FileDescriptor

    /// - Parameter stagingDirectory: an existing directory, in a mount namespace that is the caller's own.
    public init(stagingDirectory: String) throws(LaunchError) {
        do throws(SystemCallError) {
            let own = try FileDescriptor.open("/proc/thread-self/ns", O_PATH | O_DIRECTORY)
            let folder = FileDescriptor(owning: try retryingInterrupts("fsmount") { clinux_tmpfs("4k", "0", 0) })
            let (ownNumber, folderNumber) = (own.number, folder.number)
            descriptor = try MountNamespaceVisit.returning { () throws(SystemCallError) in
                try retryingInterrupts("unshare") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
                // pivot_root(2) refuses shared mounts, and what is taken off here must stay on elsewhere.
                try retryingInterrupts("mount") { clinux_make_mounts_private() }
                let place = try FileDescriptor.open(stagingDirectory, O_PATH | O_DIRECTORY | O_NOFOLLOW)
                let placeNumber = place.number
                try retryingInterrupts("move_mount", on: stagingDirectory) { clinux_tree_attach(folderNumber, placeNumber, 0) }
                try retryingInterrupts("fchdir") { fchdir(folderNumber) }
                try retryingInterrupts("pivot_root") { clinux_make_directory_root() }
                return try FileDescriptor.open("mnt", in: ownNumber, O_RDONLY)
            }
            self.own = own
        } catch {
            throw LaunchError("mount(\(stagingDirectory))", error)
        }
    }

    /// A copy, in which `fill` has mounted something.
    func copied(_ fill: () throws(SystemCallError) -> Void) throws(SystemCallError) -> FileDescriptor {
        let (number, ownNumber) = (descriptor.number, own.number)
        return try MountNamespaceVisit.returning { () throws(SystemCallError) in
            try retryingInterrupts("setns") { clinux_join_mounts(number) }
            try retryingInterrupts("unshare") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
            try fill()
            return try FileDescriptor.open("mnt", in: ownNumber, O_RDONLY)
        }
    }
}

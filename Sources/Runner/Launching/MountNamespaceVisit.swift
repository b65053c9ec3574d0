import CLinux
import Glibc
import Linux

/// A stay of the calling thread in other mount namespaces.
enum MountNamespaceVisit {
    /// Runs `body`, which may enter other mount namespaces (setns(2), unshare(2)), and comes back in all cases.
    ///
    /// A namespace that is entered brings its own root and working directory along, so both are put back too.
    /// Other threads are not taken along: the caller's must not share these with them.
    static func returning<Result: ~Copyable>(
        from body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        let home = try FileDescriptor.open("/proc/thread-self/ns/mnt", O_RDONLY)
        let root = try FileDescriptor.open("/", O_PATH | O_DIRECTORY)
        let directory = try FileDescriptor.open(".", O_PATH | O_DIRECTORY)
        let (homeNumber, rootNumber, directoryNumber) = (home.number, root.number, directory.number)
        defer {
            // To go on in a service's mount namespace would be worse than to end.
            if clinux_join_mounts(homeNumber) != 0 || clinux_change_root(rootNumber) != 0 || fchdir(directoryNumber) != 0 {
                abort()
            }
        }
        return try body()
    }
}

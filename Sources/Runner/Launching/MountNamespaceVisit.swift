import CLinux
import Glibc
import Linux

/// A stay of the calling thread in other mount namespaces.
enum MountNamespaceVisit {
    /// Where a visit comes back to.
    private final class Home {
        private let namespace: FileDescriptor
        private let root: FileDescriptor
        private let directory: FileDescriptor

        /// Where the calling thread is.
        init() throws(SystemCallError) {
            namespace = try FileDescriptor.open("/proc/thread-self/ns/mnt", O_RDONLY)
            root = try FileDescriptor.open("/", O_PATH | O_DIRECTORY)
            directory = try FileDescriptor.open(".", O_PATH | O_DIRECTORY)
        }

        func enter() {
            // To go on in a service's mount namespace would be worse than to end.
            if clinux_join_mounts(namespace.number) != 0 || clinux_change_root(root.number) != 0 || fchdir(directory.number) != 0 { abort() }
        }
    }

    nonisolated(unsafe) private static var lasting: Home?

    /// Makes where the calling thread is the place that all visits come back to: for a process with one thread, which stays there for good
    /// and pays several visits for each instance.
    static func settle() throws(SystemCallError) { lasting = try Home() }

    /// Runs `body`, which may enter other mount namespaces (setns(2), unshare(2)), and comes back in all cases.
    ///
    /// A namespace that is entered brings its own root and working directory along, so both are put back too.
    /// Other threads are not taken along: the caller's must not share these with them. No visit is paid from another one.
    static func returning<Result: ~Copyable>(
        from body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        let home = if let lasting { lasting } else { try Home() }
        defer { home.enter() }
        return try body()
    }
}

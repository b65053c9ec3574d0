import Glibc
import Linux

/// What a view of the host has of the host by copy: it may be another by now, and the mount table says nothing of that.
struct HostCopies: Equatable {
    struct Mark: Equatable {
        let device: dev_t, inode: ino_t, mode: mode_t
        let seconds: Int, nanoseconds: Int

        /// - Parameter status: where nothing lies, all zeros.
        init(_ status: stat) {
            device = status.st_dev
            inode = status.st_ino
            mode = status.st_mode
            seconds = status.st_ctim.tv_sec
            nanoseconds = status.st_ctim.tv_nsec
        }
    }

    /// The entries of `/`.
    private let root: Mark
    /// `/var/run` is a link, or a folder that is covered.
    private let varRun: Mark
    private let resolver: ResolverFile

    init() {
        func mark(_ path: String) -> Mark {
            var status = stat()
            if lstat(path, &status) != 0 { status = stat() }
            return Mark(status)
        }
        root = mark("/")
        varRun = mark("/var/run")
        resolver = ResolverFile()
    }

    /// Whether every change from now on would show: within one tick of the kernel's clock two changes of `/` have one time. The files are held,
    /// so that no other one has their number.
    var showsChanges: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return resolver != .elsewhere && root.seconds + 1 < now.tv_sec
    }
}

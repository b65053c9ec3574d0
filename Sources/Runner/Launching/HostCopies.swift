import Glibc
import Linux

/// What a view of the host has of the host by copy: it may be another by now, and the mount table says nothing of that.
struct HostCopies: Equatable {
    private struct Mark: Equatable {
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
    /// The one file of `/run` that instances have.
    private let resolver: Mark
    private let resolverPath: String?

    init() {
        func mark(_ path: String, followingLinks: Bool) -> Mark {
            var status = stat()
            if fstatat(AT_FDCWD, path, &status, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW) != 0 { status = stat() }
            return Mark(status)
        }
        root = mark("/", followingLinks: false)
        varRun = mark("/var/run", followingLinks: false)
        resolver = mark("/etc/resolv.conf", followingLinks: true)
        resolverPath = realPath("/etc/resolv.conf")
    }

    /// Whether every change from now on would show: within one tick of the kernel's clock two changes of `/` have one time. The files are held,
    /// so that no other one has their number.
    var showsChanges: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return root.seconds + 1 < now.tv_sec
    }
}

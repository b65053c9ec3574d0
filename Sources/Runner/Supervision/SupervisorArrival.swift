import Glibc
import Linux

/// Waits for a stack's supervisor to come: for whatever appears on the way to its control socket (inotify(7)).
public struct SupervisorArrival: ~Copyable {
    private let inotify: FileDescriptor
    private let directory: String

    /// In milliseconds. From the socket's name in the folder to somebody who listens there.
    private static let settling: Int32 = 5
    /// In milliseconds. A user may be out of watches.
    private static let longestWait: Int32 = 1000

    public init(_ directories: StackDirectories) throws(SupervisionError) {
        directory = directories.runtime
        do {
            inotify = FileDescriptor(
                owning: try retryingInterrupts("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)) })
        } catch {
            throw .system(error)
        }
    }

    /// Watches from now on; to be called before looking whether it is there, so that it can't come in between.
    public func watch() {
        var path = directory
        while true {
            let isThere = inotify_add_watch(inotify.number, path, UInt32(IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)) >= 0
            // The folder itself may go and come again.
            if isThere && path != directory || path == "/" { return }
            path = Paths.directory(of: path)
        }
    }

    /// Returns when it may have come, and after a while in any case.
    ///
    /// - Parameter milliseconds: how long at most.
    public func wait(milliseconds: Int32) {
        var wanted = pollfd(fd: inotify.number, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, min(milliseconds, Self.longestWait)) > 0 else { return }
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(inotify.number, buffer.baseAddress, buffer.count) > 0 {}
        }
        poll(nil, 0, min(milliseconds, Self.settling))
    }
}

import CLinux
import Glibc
import Linux

/// Hears when the kernel may have killed something in a group for want of memory.
///
/// v2 tells that `memory.events` has changed (inotify(7)), v1 that the limit is reached (an eventfd(2) in `cgroup.event_control`); how many were
/// killed is for the callee to look up.
final class OutOfMemoryWatch {
    private let descriptor: FileDescriptor
    private let loop: EventLoop
    private var token: EventLoop.Token?

    /// - Returns: nil where nobody tells.
    init?(_ group: InstanceCgroup, loop: EventLoop, onChange: @escaping () -> Void) {
        guard let descriptor = Self.unified(group) ?? Self.legacy(group) else { return nil }
        self.descriptor = FileDescriptor(owning: descriptor)
        self.loop = loop
        guard let token = try? loop.add(descriptor, .readable, handler: { [unowned self] _ in
            drain()
            onChange()
        }) else { return nil }
        self.token = token
    }

    deinit {
        if let token { loop.remove(token) }
    }

    private static func unified(_ group: InstanceCgroup) -> Int32? {
        guard let file = group.path(of: "memory.events") else { return nil }
        let inotify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        if inotify >= 0, inotify_add_watch(inotify, file, UInt32(IN_MODIFY)) >= 0 { return inotify }
        close(inotify)
        return nil
    }

    private static func legacy(_ group: InstanceCgroup) -> Int32? {
        guard let path = group.path(of: "memory.oom_control"), let control = group.path(of: "cgroup.event_control"),
            let file = try? FileDescriptor.open(path, O_RDONLY)
        else { return nil }
        let event = clinux_event_descriptor()
        guard event >= 0 else { return nil }
        do {
            try ControlFile.write("\(event) \(file.number)", to: control)
            return event
        } catch {
            close(event)
            return nil
        }
    }

    private func drain() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(descriptor.number, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}

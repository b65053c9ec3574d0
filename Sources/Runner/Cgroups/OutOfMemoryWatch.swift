import CLinux
import Glibc
import Linux

/// Hears when the kernel may have killed something in a group for want of memory.
///
/// v2 tells that `memory.events` has changed (inotify(7)): one descriptor for all groups, for a user may have some hundred of those only. v1 tells that
/// the limit is reached (an eventfd(2) for each group in `cgroup.event_control`). How many were killed is for the callee to look up.
final class OutOfMemoryWatch {
    private let loop: EventLoop
    private let onChange: (InstanceName) -> Void
    private var events: Source?
    /// Groups of v2, by watch descriptor.
    private var unified: [Int32: InstanceName] = [:]
    /// Groups of v1.
    private var legacy: [InstanceName: Source] = [:]

    /// A descriptor that the loop looks at.
    private final class Source {
        let descriptor: FileDescriptor
        private let loop: EventLoop
        private var token: EventLoop.Token?

        init(_ descriptor: consuming FileDescriptor, _ loop: EventLoop, onReadable: @escaping (Source) -> Void) throws(SystemCallError) {
            self.descriptor = descriptor
            self.loop = loop
            token = try loop.add(self.descriptor.number, .readable) { [unowned self] _ in onReadable(self) }
        }

        deinit {
            if let token { loop.remove(token) }
        }

        /// All that there is to read, piece by piece.
        func read(_ body: (UnsafeRawBufferPointer) -> Void) {
            withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
                while case let count = Glibc.read(descriptor.number, buffer.baseAddress, buffer.count), count > 0 {
                    body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
            }
        }
    }

    /// - Parameter onChange: called with an instance of which something may have been killed.
    init(loop: EventLoop, onChange: @escaping (InstanceName) -> Void) {
        self.loop = loop
        self.onChange = onChange
    }

    /// Watches the group of an instance; where nobody tells of it, nothing is heard.
    func watch(_ group: InstanceCgroup, of instance: InstanceName) {
        if let file = group.path(of: "memory.events") {
            if events == nil { events = try? Source(FileDescriptor(owning: inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))), loop) { [unowned self] _ in receive() } }
            guard let number = events?.descriptor.number, case let watch = inotify_add_watch(number, file, UInt32(IN_MODIFY)), watch >= 0 else { return }
            unified[watch] = instance
        } else if let event = Self.legacyEvent(of: group) {
            legacy[instance] = try? Source(event, loop) { [unowned self] source in
                source.read { _ in }
                onChange(instance)
            }
        }
    }

    func forget(_ instance: InstanceName) {
        legacy[instance] = nil
        for (watch, name) in unified where name == instance {
            if let number = events?.descriptor.number { inotify_rm_watch(number, watch) }
            unified[watch] = nil
        }
    }

    private func receive() {
        var changed: Set<InstanceName> = []
        events?.read { events in
            var offset = 0
            while offset + MemoryLayout<inotify_event>.size <= events.count {
                let event = events.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                offset += MemoryLayout<inotify_event>.size + Int(event.len)
                // Some were lost: it may have been any.
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { changed.formUnion(unified.values) }
                if event.mask & UInt32(IN_MODIFY) != 0, let instance = unified[event.wd] { changed.insert(instance) }
            }
        }
        for instance in changed.sorted() { onChange(instance) }
    }

    private static func legacyEvent(of group: InstanceCgroup) -> FileDescriptor? {
        guard let path = group.path(of: "memory.oom_control"), let control = group.path(of: "cgroup.event_control"),
            let file = try? FileDescriptor.open(path, O_RDONLY)
        else { return nil }
        let event = FileDescriptor(owning: clinux_event_descriptor())
        guard event.number >= 0 else { return nil }
        do {
            try ControlFile.write("\(event.number) \(file.number)", to: control)
        } catch {
            return nil
        }
        return event
    }
}

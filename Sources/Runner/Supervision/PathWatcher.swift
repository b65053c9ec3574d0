import Glibc
import Linux

/// Tells when another file comes to lie at a path (inotify(7)).
///
/// It is the folders that are watched: a file's own watch would go with the file. A folder that is missing is not.
final class PathWatcher {
    private let inotify: FileDescriptor
    private let loop: EventLoop
    private var token: EventLoop.Token?
    private let onReplaced: ([String]) -> Void
    /// By watch descriptor.
    private var folders: [Int32: String] = [:]
    private var paths: Set<Bytewise<String>> = []

    /// - Parameter onReplaced: called with those of the watched paths that got another file, or may have.
    init(loop: EventLoop, onReplaced: @escaping ([String]) -> Void) throws(SystemCallError) {
        inotify = FileDescriptor(
            owning: try retryingInterrupts("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)) })
        self.loop = loop
        self.onReplaced = onReplaced
        token = try loop.add(inotify.number, .readable) { [unowned self] _ in receive() }
    }

    deinit {
        if let token { loop.remove(token) }
    }

    /// Watches these paths instead of those before.
    func watch(_ paths: [String]) {
        self.paths = Set(paths.map { Bytewise($0) })
        let wanted = Set(paths.map { Bytewise(Paths.directory(of: $0)) })
        for (watch, folder) in folders where !wanted.contains(Bytewise(folder)) {
            inotify_rm_watch(inotify.number, watch)
            folders[watch] = nil
        }
        for folder in wanted.map(\.wrappedValue) {
            // The same folder has the same watch; one that was replaced has got a new one.
            let watch = inotify_add_watch(inotify.number, folder, UInt32(IN_CREATE | IN_MOVED_TO | IN_ONLYDIR))
            if watch >= 0 { folders[watch] = folder }
        }
    }

    private func receive() {
        var replaced: [String] = []
        withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 8) { buffer in
            while true {
                let count = read(inotify.number, buffer.baseAddress, buffer.count)
                guard count > 0 else { return }
                replaced += replacements(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
        if !replaced.isEmpty { onReplaced(replaced) }
    }

    private func replacements(_ events: UnsafeRawBufferPointer) -> [String] {
        var found: [String] = []
        var offset = 0
        while offset + MemoryLayout<inotify_event>.size <= events.count {
            let event = events.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            let name = events[(offset + MemoryLayout<inotify_event>.size)...].prefix(Int(event.len)).prefix { $0 != 0 }
            offset += MemoryLayout<inotify_event>.size + Int(event.len)
            // Some were lost.
            if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return paths.map(\.wrappedValue) }
            guard let folder = folders[event.wd] else { continue }
            if event.mask & UInt32(IN_IGNORED) != 0 { folders[event.wd] = nil }
            let path = Paths.join(folder, "./" + String(decoding: name, as: UTF8.self))
            if paths.contains(Bytewise(path)) { found.append(path) }
        }
        return found
    }
}

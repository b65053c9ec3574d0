import Linux

/// Passes on what instances that have ended still had to say, while whoever takes it takes no more for now.
final class LogDrain {
    private final class Entry {
        let writer: LogWriter
        var token: EventLoop.Token?

        init(_ writer: LogWriter) { self.writer = writer }
    }

    private let loop: EventLoop
    private var entries: [ObjectIdentifier: Entry] = [:]

    /// A service that ends again and again, and a syslog that takes nothing, must not fill the memory.
    private static let limit = 16

    init(_ loop: EventLoop) { self.loop = loop }

    /// Takes a writer over, where it has something left.
    func take(_ writer: LogWriter) {
        guard writer.congestion != nil, entries.count < Self.limit else { return }
        let entry = Entry(writer)
        entries[ObjectIdentifier(entry)] = entry
        writer.onClose { [unowned self, unowned entry] in unwatch(entry) }
        watch(entry)
    }

    private func watch(_ entry: Entry) {
        if entry.token == nil, let socket = entry.writer.congestion {
            entry.token = try? loop.add(socket, .writable) { [unowned self, unowned entry] _ in
                entry.writer.resume()
                watch(entry)
            }
        }
        guard entry.writer.congestion == nil || entry.token == nil else { return }
        unwatch(entry)
        entries[ObjectIdentifier(entry)] = nil
    }

    private func unwatch(_ entry: Entry) {
        if let token = entry.token { loop.remove(token) }
        entry.token = nil
    }
}

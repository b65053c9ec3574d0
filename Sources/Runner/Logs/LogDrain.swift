import Linux

/// Passes on what instances that have ended still had to say, while whoever takes it takes no more for now.
final class LogDrain {
    private let loop: EventLoop
    private var writers: [EventLoop.Token: LogWriter] = [:]

    /// Each holds what one read and two pipes may bring. A service that ends again and again, and a syslog that takes nothing, must not fill the
    /// memory.
    private static let limit = 64

    init(_ loop: EventLoop) { self.loop = loop }

    /// Takes a writer over, where it has something left.
    func take(_ writer: LogWriter) {
        guard let socket = writer.congestion, writers.count < Self.limit else { return }
        var token: EventLoop.Token?
        token = try? loop.add(socket, .writable) { [unowned self] _ in
            writer.resume()
            guard writer.congestion == nil, let token else { return }
            loop.remove(token)
            writers[token] = nil
        }
        if let token { writers[token] = writer }
    }
}

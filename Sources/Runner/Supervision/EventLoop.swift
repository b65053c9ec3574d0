import CLinux
import Glibc
import Linux

/// One thread, one epoll(7) instance: calls back whoever waits for a descriptor.
///
/// Deadlines are not kept here: ``run(nextDeadline:afterEvents:)`` asks for the next one before each wait,
/// which spares a timerfd and the calls to set it.
final class EventLoop {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let readable = Interest(rawValue: UInt32(CLINUX_EPOLLIN))
        static let writable = Interest(rawValue: UInt32(CLINUX_EPOLLOUT))
        /// The peer closed its side. Errors and full hang-ups are always reported.
        static let peerClosed = Interest(rawValue: UInt32(CLINUX_EPOLLRDHUP))
        static let hungUp = Interest(rawValue: UInt32(CLINUX_EPOLLHUP) | UInt32(CLINUX_EPOLLERR))
    }

    /// Names a registration; never used twice, so that an event for a descriptor that was closed a moment
    /// ago cannot reach the one that took its number.
    struct Token: Hashable {
        fileprivate let number: UInt64
    }

    private struct Registration {
        let descriptor: Int32
        let handler: (Interest) -> Void
    }

    private let epoll: FileDescriptor
    private var registrations: [UInt64: Registration] = [:]
    private var lastToken: UInt64 = 0
    private var isRunning = false

    init() throws(SystemCallError) {
        epoll = FileDescriptor(owning: try retryingInterrupts("epoll_create1") { clinux_epoll_create() })
    }

    /// Calls `handler` whenever the descriptor is ready, until ``remove(_:)``; the caller keeps it open until then.
    func add(_ descriptor: Int32, _ interest: Interest, handler: @escaping (Interest) -> Void) throws(SystemCallError) -> Token {
        lastToken += 1
        let token = lastToken
        let epoll = epoll.number
        try retryingInterrupts("epoll_ctl") { clinux_epoll_add(epoll, descriptor, interest.rawValue, token) }
        registrations[token] = Registration(descriptor: descriptor, handler: handler)
        return Token(number: token)
    }

    func change(_ token: Token, to interest: Interest) {
        guard let registration = registrations[token.number] else { return }
        _ = clinux_epoll_change(epoll.number, registration.descriptor, interest.rawValue, token.number)
    }

    func remove(_ token: Token) {
        guard let registration = registrations.removeValue(forKey: token.number) else { return }
        _ = clinux_epoll_remove(epoll.number, registration.descriptor)
    }

    func stop() { isRunning = false }

    /// So many events are handled before what follows from them all: a thousand instances that end have five thousand.
    private static let batch = 256

    /// Runs until ``stop()``.
    ///
    /// - Parameters:
    ///   - nextDeadline: in milliseconds of ``MonotonicClock``; nil for none.
    ///   - afterEvents: called after each batch of events and at each deadline.
    func run(nextDeadline: () -> Int64?, afterEvents: () -> Void) throws(SystemCallError) {
        isRunning = true
        var ready = [clinux_ready](repeating: clinux_ready(), count: Self.batch)
        while isRunning {
            var timeout: Int32 = -1
            if let deadline = nextDeadline() {
                timeout = Int32(clamping: max(deadline - MonotonicClock.now(), 0))
            }
            let count = clinux_epoll_wait(epoll.number, &ready, Int32(ready.count), timeout)
            if count < 0 && errno != EINTR { throw SystemCallError("epoll_wait") }
            for event in ready.prefix(Int(max(count, 0))) {
                registrations[event.token]?.handler(Interest(rawValue: event.events))
            }
            afterEvents()
        }
    }
}

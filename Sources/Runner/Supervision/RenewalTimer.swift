import CLinux
import Glibc
import Linux

/// Wakes the event loop when secrets are due: also out of the machine's sleep, and when somebody sets the clock that due times are by.
final class RenewalTimer {
    private let loop: EventLoop
    /// timerfd_create(2): what the loop's own deadlines go by stands still while the machine sleeps. Made when they are first needed.
    private var timer: FileDescriptor?
    private var clockWatch: FileDescriptor?
    private var time: Int64?

    init(_ loop: EventLoop) {
        self.loop = loop
    }

    /// - Parameter time: in milliseconds since boot; nil for never.
    func set(_ time: Int64?) {
        // A due time comes out a little differently each time it is looked at.
        if let time, let old = self.time, abs(time - old) < Self.tolerance, old > RenewalClock.Moment.now().elapsed { return }
        guard time != self.time else { return }
        self.time = time
        if timer == nil { start() }
        guard let number = timer?.number else { return }
        _ = clinux_timer_set(number, time.map { max($0 - RenewalClock.Moment.now().elapsed, 1) } ?? 0)
    }

    /// In milliseconds.
    private static let tolerance: Int64 = 10

    private func start() {
        timer = watch(clinux_timer_create())
        clockWatch = watch(clinux_clock_watch())
    }

    /// All that is due is looked at after each batch of events; what it takes is that there is one.
    private func watch(_ number: Int32) -> FileDescriptor? {
        guard number >= 0 else { return nil }
        let descriptor = FileDescriptor(owning: number)
        guard (try? loop.add(number, .readable, handler: { _ in clinux_timer_acknowledge(number) })) != nil else { return nil }
        return descriptor
    }
}

extension RenewalClock.Moment {
    static func now() -> RenewalClock.Moment {
        var time = timespec()
        // CLOCK_BOOTTIME (clock_gettime(2)), which Glibc's module does not have.
        clock_gettime(7, &time)
        return RenewalClock.Moment(
            elapsed: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000, wall: WallClock.nanoseconds() / 1_000_000)
    }
}

/// The clock that people set.
enum WallClock {
    /// Since the epoch.
    static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

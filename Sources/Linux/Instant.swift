import Glibc

/// A moment by a clock that nobody sets, and that goes on while the machine sleeps (CLOCK_BOOTTIME of clock_gettime(2)).
///
/// The standard library's `ContinuousClock` tells the same, and brings all of its concurrency along: a program that has that starts
/// with threads to make ready that it never uses.
public struct Instant: Comparable, Sendable {
    private var sinceBoot: Duration

    private init(_ sinceBoot: Duration) {
        self.sinceBoot = sinceBoot
    }

    public static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(.seconds(time.tv_sec) + .nanoseconds(time.tv_nsec))
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.sinceBoot < right.sinceBoot }

    public static func + (instant: Instant, time: Duration) -> Instant { Instant(instant.sinceBoot + time) }

    public static func += (instant: inout Instant, time: Duration) { instant = instant + time }

    /// How long after another it is.
    public static func - (left: Instant, right: Instant) -> Duration { left.sinceBoot - right.sinceBoot }
}

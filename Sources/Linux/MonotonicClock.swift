import Glibc

/// The clock of deadlines that the kernel waits for, and of what happens meanwhile: it stands still while the machine sleeps, and nobody sets it
/// (CLOCK_MONOTONIC of clock_gettime(2)). ``Instant`` goes on.
public enum MonotonicClock {
    public static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// In milliseconds.
    public static func now() -> Int64 { nanoseconds() / 1_000_000 }
}

import Glibc
import Linux

/// Waits until something is so that another process, or the kernel, sees to; half a minute at most.
///
/// - Parameter pause: between two looks, in microseconds.
/// - Returns: whether it came about.
@discardableResult
public func eventually(every pause: UInt32 = 5000, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = MonotonicClock.now() + 30_000
    repeat {
        if try condition() { return true }
        usleep(pause)
    } while MonotonicClock.now() < end
    return false
}

import CLinux
import Glibc

/// A promise that does not hold, said by a body that runs on a thread of its own.
struct Broken: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func claim(_ holds: Bool, _ promise: @autoclosure () -> String) throws {
    if !holds { throw Broken(promise()) }
}

/// Runs `body` on a thread that has a mount namespace of its own, as a supervisor has: unshare(2) is for the
/// calling thread, so the other tests stay where they are.
func inOwnMountNamespace(_ body: @escaping @Sendable () throws -> Void) throws {
    final class Box: @unchecked Sendable {
        let body: @Sendable () throws -> Void
        var error: (any Error)?
        init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }
    }
    let box = Box(body)
    var thread = pthread_t()
    let started = pthread_create(
        &thread, nil,
        { argument in
            let box = Unmanaged<Box>.fromOpaque(argument!).takeUnretainedValue()
            do {
                try claim(clinux_unshare(UInt64(CLINUX_NEWNS)) == 0, "unshare: errno \(errno)")
                try claim(clinux_make_mounts_slave() == 0, "slave mounts: errno \(errno)")
                try box.body()
            } catch {
                box.error = error
            }
            return nil
        }, Unmanaged.passUnretained(box).toOpaque())
    precondition(started == 0)
    pthread_join(thread, nil)
    withExtendedLifetime(box) {}
    if let error = box.error { throw error }
}

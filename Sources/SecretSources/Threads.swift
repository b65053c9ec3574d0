import Glibc

/// Runs `body` in so many threads at once, and waits for all of them.
///
/// Drivers wait for networks and programs most of the time, and the calls that they wait in know nothing of Swift's tasks.
func inThreads(_ count: Int, _ body: @Sendable () -> Void) {
    guard count > 1 else { return body() }
    withoutActuallyEscaping(body) { body in
        let shared = Unmanaged.passRetained(Body(body))
        var threads: [pthread_t] = []
        for _ in 1..<count {
            var thread = pthread_t()
            let code = pthread_create(&thread, nil, { pointer in
                Unmanaged<Body>.fromOpaque(pointer!).takeUnretainedValue().run()
                return nil
            }, shared.toOpaque())
            // With fewer threads it only takes longer.
            if code == 0 { threads.append(thread) }
        }
        body()
        for thread in threads { pthread_join(thread, nil) }
        shared.release()
    }
}

private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

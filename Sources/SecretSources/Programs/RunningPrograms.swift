import Glibc
import Linux
import Synchronization

/// The programs that run on behalf of requests: sessions of their own, which no Ctrl-C reaches, so that they have to be
/// ended by the one that has started them.
enum RunningPrograms {
    private static let groups = Mutex<Set<Int32>>([])

    /// Starts a program that leads a process group and is waited for by nobody but ``end(_:)``.
    static func start(
        _ program: () throws(SystemCallError) -> ChildProcess
    ) throws(SystemCallError) -> ChildProcess {
        // With the lock held, so that `endAll` misses none.
        try groups.withLock { groups throws(SystemCallError) in
            let process = try program()
            groups.insert(process.pid)
            return process
        }
    }

    /// Kills what is left of a process's group, and waits for the process.
    static func end(_ process: consuming ChildProcess) -> ChildProcess.End {
        let pid = process.pid
        groups.withLock { groups in
            // Before its pid can be another process's.
            kill(-pid, SIGKILL)
            groups.remove(pid)
        }
        return process.wait()
    }

    private static func endAll(status: Int32) -> Never {
        groups.withLock { groups in
            for group in groups { kill(-group, SIGKILL) }
            // With the lock held: none is started any more.
            _exit(status)
        }
    }

    /// Kills them all with this process when somebody wants it to end. To be called before there is any other thread.
    static func endWithThisProcess() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
        // Other threads inherit the mask, so that the signals wait for this one.
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        pthread_create(&thread, nil, { _ in
            var signals = sigset_t()
            sigemptyset(&signals)
            for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
            var signal: Int32 = 0
            sigwait(&signals, &signal)
            RunningPrograms.endAll(status: 128 + signal)
        }, nil)
    }
}

import CLinux
import Glibc
import Linux

/// The process outside of the sandbox that waits for the one inside.
///
/// A pid namespace is made for children, and ends with the first of them: whatever has been started in there, in sessions of
/// its own too, ends then. That one ends with this process, and this one with whoever has started it.
enum SandboxMonitor {
    /// The name by which the program knows itself in there.
    private static let nameInside = "stackup-sources inside"

    /// Whether this is the process that ``startAgainInChild()`` has made.
    static var isInside: Bool { getpid() == 1 && CommandLine.arguments.first == nameInside }

    /// Starts the program again in a child, the first process of a namespace that has been made, in a session without a terminal. To be
    /// called before there is any other thread.
    ///
    /// It is executed anew, since locks remember the number of a thread, which is another one in there.
    ///
    /// - Throws: in the caller, where no process can be made.
    static func startAgainInChild() throws(SystemCallError) -> Never {
        let monitor = FileDescriptor(owning: try retryingInterrupts("pidfd_open") { clinux_pidfd_open(getpid()) })
        let child = try retryingInterrupts("fork") { clinux_fork() }
        if child > 0 { follow(child) }
        _ = clinux_signal_with_parent(SIGKILL)
        // It may have ended before that.
        var ended = pollfd(fd: monitor.number, events: Int16(POLLIN), revents: 0)
        if poll(&ended, 1, 0) != 0 { _exit(1) }
        setsid()
        var words = [strdup(nameInside)] + CommandLine.arguments.dropFirst().map { strdup($0) } + [nil]
        _ = clinux_execute_again(&words)
        _exit(127)
    }

    /// Ends as the child does.
    private static func follow(_ child: Int32) -> Never {
        _ = clinux_signal_with_parent(SIGKILL)
        _ = clinux_keep_capabilities(0)
        let signals = clinux_signal_descriptor([SIGHUP, SIGINT, SIGQUIT, SIGTERM, 0])
        // Standard output is ready, and broken, once nobody reads the answers any more.
        var awaited = [
            pollfd(fd: clinux_pidfd_open(child), events: Int16(POLLIN), revents: 0), pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: STDOUT_FILENO, events: 0, revents: 0),
        ]
        // Without a descriptor its end would never be seen.
        if awaited[0].fd < 0 || signals < 0 {
            kill(child, SIGKILL)
            _exit(1)
        }
        while poll(&awaited, 3, -1) < 0, errno == EINTR {}
        let signal = clinux_next_signal(signals)
        if awaited[0].revents == 0 { kill(child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        // WTERMSIG and WEXITSTATUS, which are macros (wait(2)).
        let fatal = status & 0x7f
        if signal > 0 { _exit(128 + signal) }
        guard fatal != 0 else { _exit(status >> 8 & 0xff) }
        kill(getpid(), fatal)
        // One of those that are waited for.
        _exit(128 + fatal)
    }
}

import Glibc

/// The caller's terminal, lent to another process group: who isn't in the foreground is stopped when it reads from it. It is taken
/// back when this value goes away.
public struct LentTerminal: ~Copyable {
    private let terminal: FileDescriptor
    private let owner: pid_t

    /// Nil where the caller has no terminal, or isn't in the foreground of it.
    ///
    /// - Parameter group: of the same session.
    public init?(to group: pid_t) {
        guard let terminal = try? FileDescriptor.open("/dev/tty", O_RDWR | O_NOCTTY), tcgetpgrp(terminal.number) == getpgrp() else { return nil }
        owner = getpgrp()
        self.terminal = terminal
        give(to: group)
        // It may have wanted to read already.
        kill(-group, SIGCONT)
    }

    deinit { give(to: owner) }

    private borrowing func give(to group: pid_t) {
        var stop = sigset_t(), before = sigset_t()
        sigemptyset(&stop)
        sigaddset(&stop, SIGTTOU)
        // What is not in the foreground is stopped by that, too.
        sigprocmask(SIG_BLOCK, &stop, &before)
        tcsetpgrp(terminal.number, group)
        sigprocmask(SIG_SETMASK, &before, nil)
    }
}

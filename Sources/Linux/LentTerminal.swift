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
        self.init(to: group, settings: nil)
    }

    /// - Parameter settings: those of the terminal that the group had made; nil for the ones that it has.
    private init?(to group: pid_t, settings: termios?) {
        guard let terminal = try? FileDescriptor.open("/dev/tty", O_RDWR | O_NOCTTY), tcgetpgrp(terminal.number) == getpgrp() else { return nil }
        owner = getpgrp()
        self.terminal = terminal
        if var settings { tcsetattr(self.terminal.number, TCSANOW, &settings) }
        give(to: group)
        // It may have wanted to read already.
        kill(-group, SIGCONT)
    }

    deinit { give(to: owner) }

    /// Stops this process's own group as well, once the one that the terminal is lent to was stopped: by somebody who has typed Ctrl-Z and wants the
    /// shell. When this group is continued, so is the other one, with the terminal if that is this group's again.
    ///
    /// - Parameters:
    ///   - terminal: as it is lent; nil where there was none to lend, and the other group has stopped because it wanted one.
    ///   - group: the other one.
    public static func stop(_ terminal: inout LentTerminal?, with group: pid_t) {
        let settings = terminal?.settings
        let signal = switch terminal { case .some: SIGTSTP; case .none: SIGTTIN }
        terminal = nil
        // Where no shell could continue the group, the kernel doesn't stop it.
        kill(0, signal)
        terminal = LentTerminal(to: group, settings: settings ?? nil)
        kill(-group, SIGCONT)
    }

    private var settings: termios? {
        var settings = termios()
        return tcgetattr(terminal.number, &settings) == 0 ? settings : nil
    }

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

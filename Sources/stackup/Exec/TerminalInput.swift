import Glibc
import Linux

/// When the input of the caller's terminal may be read for a command that has a pipe instead.
///
/// In `stackup exec web log | less` both have the terminal, and keys are meant for `less`.
final class TerminalInput {
    private let terminal: FileDescriptor
    /// Whether lines were edited by the terminal itself at first (`ICANON` of termios(3)).
    private let hadLines: Bool

    init(_ descriptor: Int32) throws(SystemCallError) {
        terminal = FileDescriptor(owning: try retryingInterrupts("fcntl") { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) })
        hadLines = Self.hasLines(descriptor)
    }

    /// Whether nobody else has taken it: a shell that has put us into the background (who reads there is stopped,
    /// although the command may want no input), or a program beside us that takes each key, as pagers do.
    var isOurs: Bool {
        let foreground = tcgetpgrp(terminal.number)
        if foreground >= 0, foreground != getpgrp() { return false }
        return !hadLines || Self.hasLines(terminal.number)
    }

    private static func hasLines(_ descriptor: Int32) -> Bool {
        var settings = termios()
        return tcgetattr(descriptor, &settings) == 0 && settings.c_lflag & tcflag_t(ICANON) != 0
    }
}

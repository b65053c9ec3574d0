import CLinux
import Glibc

/// A program that this process has started.
public struct ChildProcess: ~Copyable, Sendable {
    /// How a process ended.
    public enum End: Equatable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    public let pid: Int32
    /// Readable once the process has ended (pidfd_open(2)).
    public let descriptor: FileDescriptor

    /// Starts a program (posix_spawn(3)), with no signal blocked or ignored.
    ///
    /// - Parameters:
    ///   - path: of the program; it is not searched for.
    ///   - arguments: its own name first.
    ///   - environment: nil for this process's.
    ///   - directory: where it starts; nil for this process's.
    ///   - isSession: whether it gets a session of its own: a process group whose number is its pid, and no terminal that could ask
    ///     somebody or interrupt it.
    ///   - isGroup: whether it gets a process group of its own in the caller's session.
    ///   - descriptors: what it has as 0, 1, 2 and so on; it inherits no others.
    /// - Throws: `SystemCallError` about the program.
    public init(
        _ path: String, _ arguments: [String], environment: [String: String]? = nil, directory: String? = nil, isSession: Bool = false,
        isGroup: Bool = false, descriptors: [Int32]
    ) throws(SystemCallError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of the low numbers, which are given new meanings below.
        var moved: [Int32] = []
        defer { for number in moved { close(number) } }
        for number in descriptors {
            moved.append(try retryingInterrupts("fcntl", on: path) { fcntl(number, F_DUPFD_CLOEXEC, Int32(descriptors.count)) })
        }
        for (number, source) in moved.enumerated() { posix_spawn_file_actions_adddup2(&actions, source, Int32(number)) }
        _ = clinux_spawn_close_from(&actions, Int32(descriptors.count))
        if let directory { _ = clinux_spawn_change_directory(&actions, directory) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID is 0x80.
        let own: Int32 = isSession ? 0x80 : isGroup ? POSIX_SPAWN_SETPGROUP : 0
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | own))

        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var variables = environment.map { $0.map { strdup("\($0.key)=\($0.value)") } + [nil] } ?? []
        defer {
            // A variable may hold a token.
            for case let variable? in variables {
                explicit_bzero(variable, strlen(variable))
                free(variable)
            }
        }
        var pid: pid_t = 0
        let code = environment == nil
            ? posix_spawn(&pid, path, &actions, &attributes, &words, environ)
            : posix_spawn(&pid, path, &actions, &attributes, &words, &variables)
        guard code == 0 else { throw SystemCallError("posix_spawn", path, code: code) }
        // Nobody else waits for it, so the pid is its own until `wait`.
        let process = clinux_pidfd_open(pid)
        guard process >= 0 else {
            let error = SystemCallError("pidfd_open", path)
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
        self.pid = pid
        descriptor = FileDescriptor(owning: process)
    }

    /// Waits until it has ended, or so long.
    ///
    /// - Parameter other: a descriptor that ends the wait too, once it is readable or has been hung up.
    /// - Returns: whether it has ended.
    public borrowing func hasEnded(within milliseconds: Int32, or other: Int32 = -1) -> Bool {
        var waited = [pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0)]
        while poll(&waited, 2, milliseconds) < 0, errno == EINTR {}
        return waited[0].revents != 0
    }

    /// Whether it has been stopped by a signal, such as Ctrl-Z sends, and goes on only when somebody continues it. Each stop is told once.
    public borrowing func hasStopped() -> Bool {
        var information = siginfo_t()
        guard waitid(P_PID, id_t(pid), &information, WSTOPPED | WNOHANG) == 0 else { return false }
        return information.si_signo != 0
    }

    /// Ends it, and waits for that.
    ///
    /// - Parameters:
    ///   - isGroup: whether what it has started goes too; it has to have a session or a group of its own.
    ///   - milliseconds: how long it has to end by itself, and what it has started with it, after SIGTERM.
    @discardableResult
    public consuming func end(group isGroup: Bool = false, after milliseconds: Int32 = 1000) -> End {
        let target = isGroup ? -pid : pid
        kill(target, SIGTERM)
        // One that was stopped would not hear of it.
        kill(target, SIGCONT)
        let hasEnded = hasEnded(within: milliseconds)
        // The number of a group whose leader was not waited for is nobody else's.
        if isGroup {
            if hasEnded { usleep(200_000) }
            kill(target, SIGKILL)
        } else if !hasEnded {
            kill(target, SIGKILL)
        }
        return wait()
    }

    /// Waits until it has ended.
    public consuming func wait() -> End {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        // WIFEXITED and its like, which are macros (wait(2)).
        return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: status & 0x7f)
    }
}

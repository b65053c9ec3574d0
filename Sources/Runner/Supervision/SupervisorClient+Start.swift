import Glibc
import Linux

extension SupervisorClient {
    /// Starts a supervisor for a stack and connects to it, without waiting until it is ready.
    ///
    /// The caller holds the stack's ``RuntimeLock`` and has seen that none runs. The socket is bound here and handed
    /// over, so that the first request can be sent at once; if the supervisor cannot start, that
    /// request says why.
    ///
    /// - Parameters:
    ///   - directories: absolute paths; made where they are missing.
    ///   - supervisorExecutable: a program that hands ``SupervisorProcess/subcommand`` to ``SupervisorProcess/run(arguments:)``.
    ///   - initExecutable: the absolute path of `stackup-init`.
    /// - Throws: ``SupervisionError`` where the directory is unusable or the program can't be started.
    public static func start(
        _ directories: StackDirectories, supervisorExecutable: String = "/proc/self/exe", initExecutable: String
    ) throws(SupervisionError) -> SupervisorClient {
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: true) else {
            throw .notStarted(reason: "\(directories.runtime) was removed by another command")
        }
        let listener = try ControlSocket.listen(directory)
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0.bindMemory(to: Int32.self).baseAddress!)
        }
        guard made == 0 else { throw .system(SystemCallError("socketpair")) }
        let complaints = FileDescriptor(owning: ends.0)
        let complaintsEnd = FileDescriptor(owning: ends.1)
        try spawn(
            supervisorExecutable,
            arguments: ["stackup", SupervisorProcess.subcommand, directories.runtime, directories.logs, initExecutable],
            listener: listener.number, complaints: complaintsEnd.number)
        guard let socket = try ControlSocket.connect(directory) else {
            throw .notStarted(reason: "nobody listens at its control socket")
        }
        return SupervisorClient(directories, socket: socket, complaints: consume complaints)
    }

    private static func spawn(
        _ executable: String, arguments: [String], listener: Int32, complaints: Int32
    ) throws(SupervisionError) {
        // Away from the low numbers, which are given new meanings below.
        let highListener = fcntl(listener, F_DUPFD_CLOEXEC, 16)
        let highComplaints = fcntl(complaints, F_DUPFD_CLOEXEC, 16)
        guard highListener >= 0, highComplaints >= 0 else { throw .system(SystemCallError("fcntl")) }
        defer {
            close(highListener)
            close(highComplaints)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, highComplaints, 2)
        posix_spawn_file_actions_adddup2(&actions, highListener, SupervisorProcess.listenDescriptor)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID is 0x80: a session of its own, which no terminal's Ctrl-C reaches.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80))

        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        // Nothing of the caller's environment: it may hold secrets, and the supervisor outlives it.
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var pid: pid_t = 0
        let code = posix_spawn(&pid, executable, &actions, &attributes, &argv, &environment)
        guard code == 0 else { throw .system(SystemCallError("posix_spawn", executable, code: code)) }
    }
}

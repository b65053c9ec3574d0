import Glibc
import Linux

extension SupervisorClient {
    /// Starts a supervisor for a stack and connects to it, without waiting until it is ready.
    ///
    /// Whoever has seen that none runs may do this at the same time as others: one of them starts it, and the rest connect to that one.
    /// The socket is bound here and handed over, so that the first request can be sent at once; if the supervisor cannot
    /// start, that request says why.
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
        // Those who only look on do without the stack's lock, which is held for as long as an `up` takes. Two supervisors of one stack would each end
        // and start what the other one has.
        try directory.lockForStart()
        if directory.isRemoved { throw .notStarted(reason: "\(directories.runtime) was removed by another command") }
        if let socket = try ControlSocket.connect(directory) { return SupervisorClient(directories, socket: socket) }
        let listener = try ControlSocket.listen(directory)
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0.bindMemory(to: Int32.self).baseAddress!)
        }
        guard made == 0 else { throw .system(SystemCallError("socketpair")) }
        let complaints = FileDescriptor(owning: ends.0)
        let complaintsEnd = FileDescriptor(owning: ends.1)
        do {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            // Nothing of the caller's environment: it may hold secrets, and the supervisor outlives it. A session of its own, which no
            // terminal's Ctrl-C reaches.
            _ = try ChildProcess(
                supervisorExecutable,
                ["stackup", SupervisorProcess.subcommand, directories.runtime, directories.logs, initExecutable], environment: [:], isSession: true,
                descriptors: [null.number, null.number, complaintsEnd.number, listener.number])
        } catch {
            throw .system(error)
        }
        guard let socket = try ControlSocket.connect(directory) else {
            throw .notStarted(reason: "nobody listens at its control socket")
        }
        return SupervisorClient(directories, socket: socket, complaints: consume complaints)
    }
}

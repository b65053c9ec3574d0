import CLinux
import Glibc
import Linux

/// The supervisor as a process: what the hidden subcommand runs.
public enum SupervisorProcess {
    /// The first argument that makes the program a supervisor.
    public static let subcommand = "__supervise"
    /// The number under which the listening control socket is handed over.
    static let listenDescriptor: Int32 = 3

    /// Supervises a stack until it is taken down.
    ///
    /// - Parameter arguments: what follows ``subcommand``: runtime directory, log directory, `stackup-init`.
    /// - Returns: the exit status; why it is not 0 was written to standard error, the pipe that the command reads.
    public static func run(arguments: [String]) -> Int32 {
        guard arguments.count == 3 else { return complain("it is started by other commands only") }
        let directories = StackDirectories(runtime: arguments[0], logs: arguments[1])
        do {
            try supervise(directories, initExecutable: arguments[2])
            return 0
        } catch {
            return complain("\(error)")
        }
    }

    private static func supervise(_ directories: StackDirectories, initExecutable: String) throws {
        _ = setsid()
        _ = clinux_close_from(UInt32(listenDescriptor) + 1)
        _ = chdir("/")
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        _ = clinux_name_process("stackup-super")
        // Else the end of a start is seen only when the program that it has started takes its first rest.
        clinux_ask_for_short_turns()
        let listener = FileDescriptor(owning: listenDescriptor)
        _ = fcntl(listenDescriptor, F_SETFD, FD_CLOEXEC)

        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false),
            let logs = try RuntimeDirectory.openPrivate(directories.logs, create: true)
        else { throw SupervisionError.notStarted(reason: "\(directories.runtime) is gone") }
        try InstanceLauncher.enterSupervisorNamespaces(joining: directory.survivor())
        // After the namespaces: a user namespace cannot be set up by a process that is protected like this.
        hardenProcess()
        try MountNamespaceVisit.settle()

        let loop = try EventLoop()
        let host = try ProcessHost(loop: loop, directory: directory, logs: logs, initExecutable: initExecutable)
        let supervisorLoop = try SupervisorLoop(
            loop: loop, directory: directory, logs: logs, listener: listener, host: host)
        host.supervisor = supervisorLoop.supervisor
        try supervisorLoop.handleSignals()
        if directory.hasRun { host.adopt(supervisorLoop.predecessorRecord()) }
        try supervisorLoop.recordSelf()
        detachFromCommand()
        try supervisorLoop.run()
    }

    /// Nobody reads standard error any more: the command may be gone.
    private static func detachFromCommand() {
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        if null >= 0 {
            dup2(null, 2)
            close(null)
        }
    }

    private static func complain(_ reason: String) -> Int32 {
        let line = Array("\(reason)\n".utf8)
        _ = write(2, line, line.count)
        return 1
    }
}

import CLinux
import Glibc
import Linux

/// A further command inside a running instance (`stackup exec`), started by the command process itself.
public enum ServiceExec {
    /// What stackup-init takes as the order to kill a command with its process group, where that ends with its caller (`join.c`).
    public static let endSignal = SIGALRM

    /// Runs a command in an instance's namespaces, with what the service may do and no more, and waits for it.
    ///
    /// - Parameters:
    ///   - pid, startTime: the instance's pid 1.
    ///   - runtimePath: the folder of the running stack.
    ///   - groups: the folders of the instance's control group; nil where it has none.
    ///   - environment: complete, `NAME=value`.
    ///   - initExecutable: the path of `stackup-init`.
    ///   - standardStreams: the descriptors of what become its standard input, output and error.
    ///   - terminal: where there is one, the command gets a terminal of the instance's own in their place; called with
    ///     that terminal's master, which is the callee's to close, before the command starts.
    ///   - endsWithCaller: whether it is killed, with what it has started, when this process ends; then it is ``endSignal`` that is passed
    ///     on to it, and no other.
    ///   - attend: called with a pidfd, which is readable once the command has ended; what is signalled to it is passed
    ///     on to the command.
    /// - Returns: its exit status; 128 + signal where a signal ended it.
    /// - Throws: `LaunchError` where it could not be started.
    public static func run(
        inInstance pid: Int32, startTime: UInt64, runtimePath: String, groups: [String]?, arguments: [String], environment: [String],
        user: UserIdentity, capabilities: CapabilitySet, filter: SystemCallFilter?, namespaces: NamespacePlan?, hasPrivateCgroupNamespace: Bool, limits: [ResourceLimit],
        oomScoreAdjustment: Int32? = nil, workingDirectory: String, initExecutable: String,
        standardStreams: [Int32], terminal: ((_ master: Int32) -> Void)?, endsWithCaller: Bool = false, attend: (_ command: Int32) -> Void
    ) throws(LaunchError) -> Int32 {
        guard let instance = try InstanceLauncher.pidfd(pid, startTime: startTime) else {
            throw LaunchError("the instance has just ended")
        }
        let executable = try InitExecutable(initExecutable)
        if filter == nil, let directory = (try? RuntimeDirectory.open(runtimePath, create: false)) ?? nil { StandardFilter.take(from: directory) }
        let group: CgroupEntrance?
        do {
            group = try groups.map { try InstanceCgroup(folders: $0).entrance() }
        } catch {
            throw LaunchError("the instance's limits cannot be applied: \(error)")
        }
        let isUnprivileged = geteuid() != 0
        let specification = try InitSpecification.join(
            user: user, limits: limits, oomScoreAdjustment: oomScoreAdjustment, capabilities: capabilities, filter: filter,
            directory: workingDirectory, environment: environment, arguments: arguments, groups: group?.joinNumbers ?? 0..<0,
            caller: endsWithCaller ? .watcher : .command(hasTerminal: terminal != nil), namespaces: namespaces,
            hasPrivateCgroupNamespace: hasPrivateCgroupNamespace, isUnprivileged: isUnprivileged)
        do {
            let instructions = try FileDescriptor.memory(specification.bytes, name: "specification")
            let report = try FileDescriptor.pipe()
            let sockets = try socketPair()
            let (_, pidfd) = try executable.spawn(
                standardStreams + [instructions.number, report.write.number, sockets.write.number, instance.number] + (group?.joins ?? []),
                namespaces: 0,
                keepingCapabilities: false)
            let command = FileDescriptor(owning: pidfd)
            let problems = report.takeReadEnd()
            if let terminal { Self.prepare(terminal, from: sockets.takeReadEnd()) }
            attend(command.number)
            let problem = String(decoding: try problems.readAll(limit: 4096) ?? [], as: UTF8.self)
            let status = try exitStatus(of: command)
            guard problem.isEmpty else { throw LaunchError(problem, exitStatus: status) }
            return status
        } catch let error as LaunchError {
            throw error
        } catch {
            throw LaunchError("\(error)")
        }
    }

    /// The command waits until the socket is closed. Where it failed before it had a terminal, the report says why.
    private static func prepare(_ terminal: (_ master: Int32) -> Void, from socket: consuming FileDescriptor) {
        let master = clinux_receive_descriptor(socket.number)
        if master >= 0 { terminal(master) }
    }

    private static func socketPair() throws(SystemCallError) -> DescriptorPair {
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        return DescriptorPair(read: FileDescriptor(owning: ends[0]), write: FileDescriptor(owning: ends[1]))
    }

    private static func exitStatus(of process: borrowing FileDescriptor) throws(SystemCallError) -> Int32 {
        let number = process.number
        var ended = siginfo_t()
        try retryingInterrupts("waitid") { waitid(P_PIDFD, id_t(number), &ended, WEXITED) }
        let status = ended._sifields._sigchld.si_status
        return ended.si_code == CLD_EXITED ? status : 128 + status
    }
}

import CLinux
import Glibc
import Linux
import Reconciler
import Runner

extension InstanceCommand {
    /// Runs it in an instance, without input; what it prints goes where this command prints. It ends with this command, and when a signal
    /// comes, with all that it has started.
    ///
    /// - Returns: its exit status.
    func run(in instance: ObservedInstance, of plan: LaunchPlan, _ directories: StackDirectories) throws -> Int32 {
        guard let pid = instance.pid, let startTime = instance.startTime else { throw LaunchError("the instance has just ended") }
        let relay = try CommandRelay(terminal: false, input: false)
        try relay.catchSignals()
        return try ServiceExec.run(
            inInstance: pid, startTime: startTime, runtimePath: directories.runtime, groups: instance.groups, arguments: arguments,
            environment: plan.completed(environment, inInstance: instance.index), user: user, capabilities: capabilities, filter: filter,
            namespaces: namespaces, hasPrivateCgroupNamespace: hasPrivateCgroupNamespace == true, limits: limits, oomScoreAdjustment: oomScoreAdjustment, workingDirectory: workingDirectory,
            initExecutable: try Installation.executable(.initProcess), standardStreams: relay.commandStreams, terminal: nil,
            endsWithCaller: true,
            attend: { command in
                relay.run(until: command) { _ in
                    _ = clinux_signal_process(command, ServiceExec.endSignal)
                    Interruption.note()
                }
            })
    }
}

/// Whether a signal that asks this command to end was passed on to another one instead.
enum Interruption {
    nonisolated(unsafe) private static var hasCome = false

    static func note() { hasCome = true }
    static var wasNoted: Bool { hasCome }
}

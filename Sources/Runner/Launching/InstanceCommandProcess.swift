import CLinux
import Glibc
import Linux

/// A further command in an instance that the supervisor runs: a health check or a hook. It gathers the beginning of what the command prints.
final class InstanceCommandProcess {
    private let pid: Int32
    private let process: FileDescriptor
    private let output: FileDescriptor
    private let report: FileDescriptor
    private let loop: EventLoop
    private var endToken: EventLoop.Token?
    private var outputToken: EventLoop.Token?
    private var gathered: [UInt8] = []
    private let onEnd: (_ code: Int32?, _ output: String) -> Void

    /// Starts it.
    ///
    /// - Parameters:
    ///   - pidfd: pid 1 of the instance.
    ///   - group: the instance's; nil where it has none.
    ///   - onEnd: called once, when the command has ended: with its status as a shell has it, nil where it could not be run, and with what
    ///     it printed, or what hindered it.
    init(
        _ command: InstanceCommand, inInstance pidfd: borrowing FileDescriptor, group: CgroupEntrance?, executable: borrowing InitExecutable,
        null: borrowing FileDescriptor, loop: EventLoop, onEnd: @escaping (_ code: Int32?, _ output: String) -> Void
    ) throws(LaunchError) {
        let isUnprivileged = geteuid() != 0
        let specification = try InitSpecification.join(
            user: command.user, limits: command.limits, oomScoreAdjustment: command.oomScoreAdjustment,
            capabilities: command.capabilities, filter: command.filter, directory: command.workingDirectory, environment: command.environment,
            arguments: command.arguments, groups: group?.joinNumbers ?? 0..<0, caller: .supervisor, namespaces: command.namespaces, hasPrivateCgroupNamespace: command.hasPrivateCgroupNamespace == true,
            isUnprivileged: isUnprivileged)
        do {
            let instructions = try FileDescriptor.memory(specification.bytes, name: "specification")
            let output = try FileDescriptor.pipe(), report = try FileDescriptor.pipe()
            let (pid, number) = try executable.spawn(
                [null.number, output.write.number, output.write.number, instructions.number, report.write.number, null.number, pidfd.number]
                    + (group?.joins ?? []),
                namespaces: 0, keepingCapabilities: isUnprivileged)
            self.pid = pid
            process = FileDescriptor(owning: number)
            self.output = output.takeReadEnd()
            self.report = report.takeReadEnd()
            self.loop = loop
            self.onEnd = onEnd
            for number in [self.output.number, self.report.number] { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
            outputToken = try loop.add(self.output.number, .readable) { [unowned self] _ in receive() }
            endToken = try loop.add(process.number, .readable) { [unowned self] _ in end() }
        } catch {
            throw LaunchError("\(error)")
        }
    }

    deinit { unwatch() }

    /// Kills the command and what it has started; its end is reported as any other.
    func kill() { _ = clinux_signal_process(process.number, ServiceExec.endSignal) }

    private func unwatch() {
        for token in [outputToken, endToken].compactMap({ $0 }) { loop.remove(token) }
        outputToken = nil
        endToken = nil
    }

    private func receive() {
        let count = OutputBuffer.shared.read(output.number) { bytes, _ in
            gathered += bytes.prefix(HealthMonitor.outputLimit - gathered.count)
        }
        if count > 0 || count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        if let token = outputToken {
            loop.remove(token)
            outputToken = nil
        }
    }

    private func end() {
        // What it has started and left behind may print for ever.
        if outputToken != nil { receive() }
        unwatch()
        var code: Int32 = 0
        let isReaped = clinux_reap(pid, &code) == 1
        let problem = (try? report.readAll(limit: 4096)) ?? nil
        if let problem, !problem.isEmpty { return onEnd(nil, String(decoding: problem, as: UTF8.self)) }
        onEnd(isReaped ? code : nil, String(decoding: gathered, as: UTF8.self))
    }
}

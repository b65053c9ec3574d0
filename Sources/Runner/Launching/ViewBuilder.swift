import CLinux
import Glibc
import Linux

/// The process that lays a view's masks and builds its root: `stackup-init`, since it walks paths on filesystems
/// that may never answer.
struct ViewBuilder: ~Copyable {
    private let pid: Int32
    private let process: FileDescriptor
    private let report: FileDescriptor

    /// Starts it in the namespace and in the working directory that the calling thread is in.
    init(
        _ specification: InitSpecification, executable: borrowing InitExecutable, keepingCapabilities: Bool
    ) throws(SystemCallError) {
        let instructions = try FileDescriptor.memory(specification.bytes, name: "specification")
        let pipe = try FileDescriptor.pipe()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let (pid, pidfd) = try executable.spawn(
            [null.number, null.number, null.number, instructions.number, pipe.write.number], namespaces: 0,
            keepingCapabilities: keepingCapabilities)
        self.pid = pid
        process = FileDescriptor(owning: pidfd)
        report = pipe.takeReadEnd()
    }

    /// Waits for its end.
    ///
    /// - Parameter milliseconds: how long at most.
    /// - Throws: what it could not do.
    consuming func finish(within milliseconds: Int32) throws(LaunchError) {
        var state = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        let ready = try? retryingInterrupts("poll") { poll(&state, 1, milliseconds) }
        guard ready == 1 else {
            _ = clinux_signal_process(process.number, SIGKILL)
            throw LaunchError(
                "the host's folders do not answer; see whether a network filesystem hangs",
                abandoned: AbandonedProcess(pid: pid, process: process))
        }
        var code: Int32 = 0
        _ = clinux_reap(pid, &code)
        let problem = String(decoding: (try? report.readAll(limit: 4096)) ?? [], as: UTF8.self)
        guard code == 0, problem.isEmpty else {
            throw LaunchError(problem.isEmpty ? "stackup-init ended with status \(code)" : problem)
        }
    }
}

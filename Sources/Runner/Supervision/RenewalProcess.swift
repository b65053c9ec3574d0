import CLinux
import Glibc
import Linux

/// The short-lived process that renews secrets: the same program, as a command that opens the store.
public final class RenewalProcess {
    /// The first argument that makes the program one; the stack's name follows.
    public static let subcommand = "__renew"
    /// How long it may take, in seconds, before its alarm(2) ends it: the next one could not be started while it hangs.
    public static let patience: UInt32 = 600

    private let process: ChildProcess
    private let loop: EventLoop
    private var token: EventLoop.Token?

    /// Starts it.
    ///
    /// - Parameter onEnd: called once it has ended, with whether it did what it was to do.
    init(_ schedule: RenewalSchedule, loop: EventLoop, onEnd: @escaping (Bool) -> Void) throws(SystemCallError) {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        var environment: [String: String] = [:]
        for variable in schedule.environment {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            environment[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        process = try ChildProcess(
            "/proc/self/exe", ["stackup", Self.subcommand, schedule.stack], environment: environment, isSession: true,
            descriptors: [null.number, null.number, null.number])
        self.loop = loop
        token = try loop.add(process.descriptor.number, .readable) { [unowned self] _ in
            if let token { self.loop.remove(token) }
            var code: Int32 = -1
            onEnd(clinux_reap(process.pid, &code) == 1 && code == 0)
        }
    }
}

import CLinux
import Glibc
import Linux
import Runner

/// The process that waits for a stack's supervisor to say that secrets are due, and starts another one that gets new values for them.
///
/// The supervisor does not start that one itself: its own namespaces would be in the way. An unprivileged user's supervisor has a user
/// namespace in which all but its own files belong to nobody, and in which there is another user keyring. This one lives where the
/// command does that started it, with no more than a few variables, holds neither a key nor a value, and ends with the supervisor.
enum RenewalAttendant {
    /// The first argument that makes the program one; the stack's name follows.
    static let subcommand = "__attend"
    /// How long a process may still take, in milliseconds, once its stack is down: a program may have set a value that is not stored yet.
    private static let endPatience: Int32 = 10_000

    /// Starts one, which may find that there is one already, and ends then.
    ///
    /// - Parameter environment: see `HostPaths.environment(from:workingDirectory:)`.
    static func start(_ stack: String, environment: [String: String]) throws(SystemCallError) {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        _ = try ChildProcess(
            "/proc/self/exe", ["stackup", subcommand, stack], environment: environment, directory: "/", isSession: true,
            descriptors: [null.number, null.number, null.number])
    }

    static func run(arguments: [String]) -> Int32 {
        guard arguments.count == 1, let stack = arguments.first else { return 1 }
        _ = clinux_name_process("stackup-attend")
        umask(0o077)
        signal(SIGHUP, SIG_IGN)
        let paths = HostPaths(environment: callersEnvironment(), workingDirectory: "/", user: geteuid())
        do {
            guard let supervisor = try SupervisorClient.connect(paths.directories(of: stack)) else { return 0 }
            var failure: String?
            while try supervisor.attend(failure: failure) {
                guard renew(stack, while: supervisor, &failure) else { return 0 }
            }
            return 0
        } catch {
            return 1
        }
    }

    /// Has a process get new values, as long as the stack has a supervisor: without one nobody waits for them, and the next `up` gets them.
    ///
    /// - Parameter failure: how the process ended; nil where it ended well.
    /// - Returns: whether the supervisor is there still.
    private static func renew(_ stack: String, while supervisor: SupervisorClient, _ failure: inout String?) -> Bool {
        do {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            let process = try ChildProcess(
                "/proc/self/exe", ["stackup", RenewalProcess.subcommand, stack], isSession: true,
                descriptors: [null.number, null.number, null.number])
            // Nothing was asked of the supervisor: it has nothing to say but its end.
            guard process.hasEnded(within: -1, or: supervisor.descriptor) else {
                // Alone: what fetches for it goes on, and goes with it.
                kill(process.pid, SIGTERM)
                _ = process.hasEnded(within: endPatience)
                process.end(group: true)
                return false
            }
            failure = switch process.wait() {
            case .exited(0): nil
            case .exited(let status): "the process that was to get a new value ended with status \(status)"
            case .killed(SIGALRM): "the process that was to get a new value took too long"
            case .killed(let number): "the process that was to get a new value was killed by signal \(number)"
            }
        } catch {
            failure = "the process that was to get a new value could not be started: \(error)"
        }
        return true
    }
}

import CLinux
import Glibc
import Linux

/// What an ordinary user does to files of subordinate ids: nobody outside of a user namespace that maps them may.
///
/// A process of its own does it, with no more open than the folder that it is about. It joins the namespace of what runs, or makes one like it.
public enum NamespaceErrand {
    /// The first argument that makes the program one.
    public static let subcommand = "__in-namespace"

    private static let folder: Int32 = 3
    private static let holder: Int32 = 4

    private enum Task: String {
        case give
        case remove
    }

    /// Makes a folder somebody's.
    ///
    /// - Parameters:
    ///   - pid: a process in the namespace that `owner` is of; nil: one is made.
    public static func give(_ folder: borrowing FileDescriptor, to owner: UserIdentity, inNamespaceOf pid: Int32?) throws(LaunchError) {
        try run(.give, [String(owner.uid), String(owner.gid)], folder.number, pid)
    }

    /// Removes an entry of a folder with all that is in it.
    public static func remove(_ name: String, in folder: Int32, inNamespaceOf pid: Int32?) throws(LaunchError) {
        try run(.remove, [name], folder, pid)
    }

    private static func run(_ task: Task, _ arguments: [String], _ folder: Int32, _ pid: Int32?) throws(LaunchError) {
        let problem: String
        do throws(SystemCallError) {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            let complaints = try FileDescriptor.pipe()
            let process = FileDescriptor(owning: pid.map(clinux_pidfd_open) ?? -1)
            let child = try ChildProcess(
                "/proc/self/exe", ["stackup", subcommand, task.rawValue] + arguments, environment: [:], directory: "/", isSession: true,
                descriptors: [null.number, null.number, complaints.write.number, folder] + (process.number < 0 ? [] : [process.number]))
            let reading = complaints.takeReadEnd()
            let text = String(decoding: try reading.readAll(limit: 1 << 16) ?? [], as: UTF8.self)
            problem = child.wait() == .exited(0) ? "" : text.isEmpty ? "stackup \(subcommand) failed" : text
        } catch {
            throw LaunchError("\(error)")
        }
        if !problem.isEmpty { throw LaunchError(problem) }
    }

    /// Does it.
    ///
    /// - Returns: the exit status; why it is not 0 was written to standard error.
    public static func run(arguments: [String]) -> Int32 {
        do throws(SystemCallError) {
            guard arguments.count > 1, let task = Task(rawValue: arguments[0]) else { return complain("it is started by other commands only") }
            let folder = FileDescriptor(owning: folder)
            _ = fcntl(folder.number, F_SETFD, FD_CLOEXEC)
            if fcntl(holder, F_GETFD) >= 0 {
                try retryingInterrupts("setns", on: "the services' user namespace") { clinux_join_user(holder) }
                close(holder)
            } else if let problem = try enterMountNamespaceWithSubordinates() {
                return complain(problem)
            }
            hardenProcess()
            switch task {
            case .give:
                guard arguments.count == 3, let uid = UInt32(arguments[1]), let gid = UInt32(arguments[2]) else { return complain("an owner is missing") }
                let number = folder.number
                try retryingInterrupts("fchown") { fchown(number, uid, gid) }
            case .remove: try FileTree.remove(arguments[1], in: folder.number)
            }
            return 0
        } catch {
            return complain("\(error)")
        }
    }

    private static func complain(_ reason: String) -> Int32 {
        let bytes = Array(reason.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
        return 1
    }
}

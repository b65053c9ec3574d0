import CLinux
import Glibc

/// A process that maps subordinate ids into the user namespace that its parent is about to make.
///
/// Who is within a namespace can map nobody there but itself, so it is started before, and waits outside. It is this program once more, with nothing of
/// its parent's but two pipes; and the programs that it starts, which are root's, get an empty environment, `/` as their folder and no descriptor but
/// the pipe that they complain to.
public struct IdentityMapper: ~Copyable {
    /// The first argument that makes the program one.
    public static let subcommand = "__map-identities"

    /// What came of it.
    public struct Outcome: Equatable, Sendable {
        public var users = false
        public var groups = false
        /// Why not; nil where nothing went wrong.
        public var problem: String?

        public init() {}
    }

    private let process: ChildProcess
    private let order: FileDescriptor
    private let answer: FileDescriptor

    /// In milliseconds: how long one of root's programs may take, which may ask name services.
    private static let patience: Int32 = 10_000

    public init() throws(SystemCallError) {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let orders = try FileDescriptor.pipe(), answers = try FileDescriptor.pipe()
        process = try ChildProcess(
            "/proc/self/exe", ["stackup", Self.subcommand], environment: [:], directory: "/", isSession: true,
            descriptors: [orders.read.number, answers.write.number, null.number])
        order = orders.takeWriteEnd()
        answer = answers.takeReadEnd()
    }

    /// Has this process's user namespace mapped, which was just made. What isn't mapped then is for itself to map.
    ///
    /// The process must be open to others of its user (prctl(2), PR_SET_DUMPABLE): otherwise its files in `/proc` are root's.
    public consuming func map() -> Outcome {
        var outcome = Outcome()
        do throws(SystemCallError) {
            try order.writeAll([1])
            let lines = String(decoding: try answer.readAll(limit: 1 << 16) ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
            outcome.users = lines.contains("users")
            outcome.groups = lines.contains("groups")
            outcome.problem = lines.first { $0 != "users" && $0 != "groups" }
        } catch {
            outcome.problem = "\(error)"
        }
        _ = process.wait()
        return outcome
    }

    // MARK: In that process

    /// Waits for the order, and does it.
    ///
    /// - Returns: the exit status.
    public static func run() -> Int32 {
        _ = clinux_close_from(3)
        let parent = getppid()
        var order: UInt8 = 0
        // Whose end it is that closes the pipe needs nothing.
        guard read(STDIN_FILENO, &order, 1) == 1, getppid() == parent else { return 0 }
        do {
            let wanted = try SubordinateIdentities.of(user: getuid(), group: getgid())
            try start(wanted.groupHelper, parent, wanted.groups)
            tell("groups")
            try start(wanted.userHelper, parent, wanted.users)
            tell("users")
            return 0
        } catch {
            tell("\(error)".split(separator: "\n").joined(separator: "; "))
            return 1
        }
    }

    private struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private static func start(_ helper: String, _ process: Int32, _ map: IdentityMap) throws {
        let name = Paths.lastComponent(of: helper)
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let complaints = try FileDescriptor.pipe()
        let child = try ChildProcess(
            helper, [name, String(process)] + map.arguments, environment: [:], directory: "/",
            descriptors: [null.number, null.number, complaints.write.number])
        let reading = complaints.takeReadEnd()
        guard child.hasEnded(within: patience) else {
            _ = child.end(after: 0)
            throw Refusal(description: "\(name) does not answer")
        }
        let end = child.wait()
        if end == .exited(0) { return }
        let text = String(decoding: try reading.readAll(limit: 4096) ?? [], as: UTF8.self)
        throw Refusal(description: text.isEmpty ? "\(name) failed" : text)
    }

    private static func tell(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }
}

import CLinux
import Glibc
import JSON
import Linux

/// Whether an ordinary user may have the namespaces that a supervisor lives in, tried before one is started.
///
/// What a host allows, only the attempt tells: the settings that forbid it are many, and with some of them the namespace can be made, and then
/// nothing be done in it. It is a process of its own that tries; nothing is left of it.
public enum NamespaceTrial {
    /// The first argument that makes the program one.
    public static let subcommand = "__try-namespaces"

    /// Who there is in such a namespace.
    public struct Identities: Sendable {
        public let users: IdentityMap
        public let groups: IdentityMap
        /// Why the subordinate ids that there are could not be mapped; nil where nothing was in the way.
        public let problem: String?
    }

    /// What the process says of its attempt.
    struct Outcome: Codable, Equatable {
        struct Failure: Codable, Equatable {
            let call: String
            let subject: String
            let code: Int32
        }

        var failure: Failure?
        /// The maps, as the kernel has them.
        var users: String?
        var groups: String?
        var problem: String?
    }

    /// Tries it, in the process that was started for that.
    ///
    /// - Returns: the exit status.
    public static func run() -> Int32 {
        _ = clinux_close_from(3)
        var outcome = Outcome()
        do throws(SystemCallError) {
            outcome.problem = try enterMountNamespaceWithSubordinates()
            // With AppArmor's restriction the namespace is made, and its capabilities are none.
            let mount = clinux_tmpfs("4k", "0700", 0)
            guard mount >= 0 else { throw SystemCallError("fsmount", "tmpfs") }
            close(mount)
            outcome.users = IdentityMap(.users, of: getpid())?.text
            outcome.groups = IdentityMap(.groups, of: getpid())?.text
        } catch {
            outcome.failure = Outcome.Failure(call: error.call, subject: error.subject, code: error.code)
        }
        guard let bytes = try? JSON.encode(outcome) else { return 1 }
        return write(STDOUT_FILENO, bytes, bytes.count) == bytes.count ? 0 : 1
    }

    /// Has it tried, by this program itself: what AppArmor allows is a matter of the file.
    ///
    /// - Throws: `NamespaceDiagnosis` where the host forbids it.
    public static func identities() throws -> Identities {
        let outcome = try attempt()
        if let failure = outcome.failure {
            throw NamespaceDiagnosis(SystemCallError(failure.call, failure.subject, code: failure.code), on: .read())
        }
        guard let users = outcome.users.flatMap({ IdentityMap($0) }), let groups = outcome.groups.flatMap({ IdentityMap($0) }) else {
            throw LaunchError("the maps of a user namespace can't be read; is /proc mounted?")
        }
        return Identities(users: users, groups: groups, problem: outcome.problem)
    }

    private static func attempt() throws -> Outcome {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let answer = try FileDescriptor.pipe()
        let child = try ChildProcess(
            "/proc/self/exe", ["stackup", subcommand], environment: [:], directory: "/", isSession: true,
            descriptors: [null.number, answer.write.number, null.number])
        let reading = answer.takeReadEnd()
        let bytes = try reading.readAll(limit: 1 << 16) ?? []
        _ = child.wait()
        return try JSON.decode(Outcome.self, from: bytes)
    }
}

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

    /// What it says of its attempt.
    struct Outcome: Codable, Equatable {
        struct Failure: Codable, Equatable {
            let call: String
            let subject: String
            let code: Int32
        }

        var failure: Failure?
    }

    /// Tries it, in the process that was started for that.
    ///
    /// - Returns: the exit status.
    public static func run() -> Int32 {
        _ = clinux_close_from(3)
        var outcome = Outcome()
        do throws(SystemCallError) {
            try enterMountNamespace(withUser: true)
            // With AppArmor's restriction the namespace is made, and its capabilities are none.
            let mount = clinux_tmpfs("4k", "0700", 0)
            guard mount >= 0 else { throw SystemCallError("fsmount", "tmpfs") }
            close(mount)
        } catch {
            outcome.failure = Outcome.Failure(call: error.call, subject: error.subject, code: error.code)
        }
        guard let bytes = try? JSON.encode(outcome) else { return 1 }
        return write(STDOUT_FILENO, bytes, bytes.count) == bytes.count ? 0 : 1
    }

    /// Has it tried, by this program itself: what AppArmor allows is a matter of the file.
    ///
    /// - Throws: `NamespaceDiagnosis` where the host forbids it.
    public static func require() throws {
        let outcome = try attempt()
        guard let failure = outcome.failure else { return }
        throw NamespaceDiagnosis(SystemCallError(failure.call, failure.subject, code: failure.code), on: .read())
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

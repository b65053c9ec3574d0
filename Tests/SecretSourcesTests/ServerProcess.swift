import CLinux
import Glibc
import JSON
import Linux

/// A program of Tests/SecretServers that runs as long as this object, or this process, lives.
///
/// It says in one line of JSON where it listens, and ends when its standard input does.
final class ServerProcess: Sendable {
    /// What it said.
    private let facts: [String: JSONValue]
    private let pid: pid_t
    private let input: Int32

    /// - Parameters:
    ///   - program: its name in Tests/SecretServers.
    ///   - interpreter: the Python to run it with.
    init(_ program: String, interpreter: String = "/usr/bin/python3", arguments: [String] = []) throws {
        var (toChild, fromChild): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        precondition(clinux_pipe(&toChild) == 0 && clinux_pipe(&fromChild) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        var words = ([interpreter, Self.directory + "/" + program] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, interpreter, &actions, nil, &words, environ)
        precondition(failure == 0, "\(interpreter): \(String(cString: strerror(failure)))")
        self.pid = pid
        input = toChild[1]
        close(toChild[0])
        close(fromChild[1])
        let output = FileDescriptor(owning: fromChild[0])
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output.number, &byte, 1) == 1, byte != 0x0a { line.append(byte) }
        facts = try JSON.decode([String: JSONValue].self, from: line)
    }

    deinit {
        close(input)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    subscript(_ name: String) -> String {
        switch facts[name] {
        case .string(let text)?: text
        case .integer(let number)?: "\(number)"
        default: preconditionFailure("the server doesn't say '\(name)'")
        }
    }

    static let directory = String(#filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }) + "/SecretServers"
}

import JSON
import Linux
import SecretMemory
import SourceProtocol
import Words

/// Runs a program that prints the value: Docker's credential helpers in spirit. The program is told in JSON what is wanted.
struct CommandDriver: SecretDriver {
    static let name = "command"
    static let options = [
        DriverOption(
            "command", "the program and its arguments, split into words as Compose splits a service's `command`; no shell runs it", isRequired: true),
        DriverOption("trim", "whether line ends at the end of what it prints are left out", otherwise: "`false`", choices: ["true", "false"]),
        DriverOption("writable", "folders and files that it writes to, with colons between them", otherwise: "the folders for temporary files"),
        .timeout,
    ]

    static func writablePaths(for request: SourceRequest) -> [String] {
        request.temporaryFolders + (request.option("writable") ?? "").split(separator: ":").map { request.path(String($0)) }
    }

    /// What the program reads: one line.
    private struct Wanted: Encodable {
        var version = 1
        /// The secret's key in the Compose file.
        var name: String
        var project: String
        var labels: [String: String]
    }

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let words: [String]
        do {
            words = try ShellWords.split(request.required("command"))
        } catch {
            throw SourceError(mistake: "the driver option 'command' has a quote or a parenthesis that is not closed", remedy: "close it, or put it in quotes")
        }
        guard let program = words.first else { throw SourceError(mistake: "the driver option 'command' names no program") }
        var command = try ExternalProgram(program, Array(words.dropFirst()), for: request)
        command.input = Self.input(for: request)
        let value = try command.output()
        return request.flag("trim") ? try value.withoutLineEnd() : value
    }

    private static func input(for request: SourceRequest) -> [UInt8] {
        let wanted = Wanted(name: request.name, project: request.project, labels: request.labels)
        do {
            return try JSON.encode(wanted) + [0x0a]
        } catch {
            preconditionFailure("texts can always be encoded: \(error)")
        }
    }
}

import Compose
import Glibc
import Linux
import Runner
import SecretStore
import Terminal
import YAML

/// One call of `stackup`: what was asked, by whom, and from where.
struct Invocation {
    let arguments: ParsedCommand
    /// The caller's environment.
    let environment: [String: String]
    let workingDirectory: String
    /// The caller's effective user id.
    let user: UInt32
    let paths: HostPaths
    let streams: Streams
    /// Where passphrases come from.
    let passphrases: Passphrases
    /// What has been said of the store already.
    let notices = Notices()
    /// Whom an ordinary user's services can be, once that was tried.
    let trial = TrialOutcome()
    /// What opens the store; it remembers a passphrase's slot for the command's next look at the store.
    let unlocker: StoreUnlocker

    init(_ arguments: ParsedCommand, environment: [String: String]) throws {
        self.arguments = arguments
        self.environment = environment
        user = geteuid()
        workingDirectory = try Self.workingDirectory(environment["PWD"])
        paths = HostPaths(environment: environment, workingDirectory: workingDirectory, user: user)
        streams = Streams(arguments, environment: environment)
        passphrases = try Passphrases(arguments)
        unlocker = passphrases.unlocker(of: paths.store)
    }

    /// The working directory as the shell names it, where that is right: someone who came by a symbolic link means that
    /// path, and a project is named after it.
    private static func workingDirectory(_ shellsName: String?) throws(CommandFailure) -> String {
        var (named, here) = (stat(), stat())
        if let shellsName, shellsName.hasPrefix("/"), stat(shellsName, &named) == 0, stat(".", &here) == 0,
            named.st_dev == here.st_dev, named.st_ino == here.st_ino
        {
            return shellsName
        }
        guard let directory = getcwd(nil, 0) else {
            throw CommandFailure("the working directory cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { free(directory) }
        return String(cString: directory)
    }

    func flag(_ name: String) -> Bool { arguments.flag(name) }
    func value(_ name: String) -> String? { arguments.value(name) }
    func values(_ name: String) -> [String] { arguments.values(name) }
    var operands: [String] { arguments.arguments }

    /// `stackup secret update`, for others who wait for it.
    var commandName: String { "stackup " + arguments.path.joined(separator: " ") }

    /// Whether `--format json` was asked for.
    var wantsJSON: Bool { value("format") == "json" }

    /// A moment, or how long it is ago.
    func moment(_ option: String) throws(UsageError) -> LogTime? {
        guard let text = value(option) else { return nil }
        guard let moment = LogTime(moment: text) else {
            throw arguments.usageError(
                "option '--\(option)' needs a time, not '\(text)'", remedy: "write 2026-01-31T10:00:00, or 10m for ten minutes ago")
        }
        return moment
    }

    /// A number of seconds.
    func seconds(_ option: String) throws(UsageError) -> Int64? {
        try arguments.integer(option, in: 0...31_536_000).map(Int64.init)
    }
}

/// What a command says once, however often it comes to it.
final class Notices {
    private var said: Set<String> = []

    /// Whether nobody has asked this before.
    func isFirst(_ notice: String) -> Bool { said.insert(notice).inserted }
}

/// Why a command ends without having done what was asked.
struct CommandFailure: Error, CustomStringConvertible {
    /// For the person; empty where everything has been said already.
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// `no such service: wbe; did you mean 'web'?`
    static func unknown(_ kind: String, _ name: String, among known: some Sequence<String>) -> CommandFailure {
        let hint = nearest(to: name, among: known.sorted()).map { "; did you mean '\($0)'?" } ?? ""
        return CommandFailure("no such \(kind): \(name)\(hint)")
    }

    /// Diagnostics were printed; there is nothing to add.
    static let alreadyReported = CommandFailure("")
}

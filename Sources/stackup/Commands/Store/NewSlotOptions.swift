import Glibc
import Linux
import SecretStore
import Terminal
import Words

/// The options by which `store init` and `store slot add` say what a new key slot opens with.
enum NewSlotOptions {
    static let options: [Command.Option] = [
        .flag("passphrase", help: "A passphrase: asked for twice, or a line of --passphrase-fd"),
        .choice("cost", PassphraseCost.allCases.map(\.rawValue), help: "How hard a passphrase is to try: 64 MiB, 256 MiB or 1 GiB of memory (default moderate)"),
        .value("keyfile", "PATH", help: "A key file, which is made where it is missing"),
        .value("command", "COMMAND", help: "A program that prints the key, the same one each time; run without a shell"),
    ]

    /// The slot that was asked for.
    ///
    /// - Parameter otherwise: what it is where nothing is said.
    static func slot(_ invocation: Invocation, otherwise: String?) throws -> NewKeySlot {
        let cost = invocation.value("cost").flatMap(PassphraseCost.init) ?? .moderate
        switch (invocation.flag("passphrase"), invocation.value("keyfile"), invocation.value("command")) {
        case (true, nil, nil): return .passphrase(try invocation.passphrases.new(), cost)
        case (false, let path?, nil): return .keyFile(try keyFile(path, invocation))
        case (false, nil, let text?): return .command(try words(text, invocation))
        case (false, nil, nil):
            if let otherwise { return .keyFile(otherwise) }
            throw invocation.arguments.usageError("nothing says what the slot opens with", remedy: "give --passphrase, --keyfile or --command")
        default: throw invocation.arguments.usageError("--passphrase, --keyfile and --command are three kinds of slots: give one of them")
        }
    }

    /// A key file's absolute path. A folder that isn't there may be a stick that isn't in: a key that is made on the disk instead would
    /// be no other key.
    private static func keyFile(_ path: String, _ invocation: Invocation) throws(CommandFailure) -> String {
        let path = Paths.join(invocation.workingDirectory, path)
        let folder = Paths.directory(of: path)
        guard path == invocation.paths.store.keyFile || access(folder, F_OK) == 0 else {
            throw CommandFailure("\(path): there is no folder \(folder); mount it, or make it with mode 0700")
        }
        invocation.streams.note(
            access(path, F_OK) == 0 ? "\(path) is there, and becomes a key of the store" : "\(path) is not there, and is made, with a new key")
        return path
    }

    /// The command's words, its program by the path that it has now: another one that comes first in a later `PATH` is not run.
    private static func words(_ text: String, _ invocation: Invocation) throws -> [String] {
        guard var words = try? ShellWords.split(text), let program = words.first else {
            throw invocation.arguments.usageError("'\(text)' is no command: a quote is not closed, or there is nothing")
        }
        guard let path = path(of: program, invocation) else {
            throw CommandFailure("\(program): no such program; give its path, or add its folder to PATH")
        }
        words[0] = path
        return words
    }

    private static func path(of program: String, _ invocation: Invocation) -> String? {
        let folders = program.utf8.contains(UInt8(ascii: "/"))
            ? [invocation.workingDirectory] : (invocation.environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }.map(String.init)
        return folders.map { Paths.join($0, program) }.first { access($0, X_OK) == 0 }
    }
}

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
        case (false, let path?, nil): return .keyFile(Paths.join(invocation.workingDirectory, path))
        case (false, nil, let text?): return .command(try words(text, invocation))
        case (false, nil, nil):
            if let otherwise { return .keyFile(otherwise) }
            throw invocation.arguments.usageError("nothing says what the slot opens with", remedy: "give --passphrase, --keyfile or --command")
        default: throw invocation.arguments.usageError("--passphrase, --keyfile and --command are three kinds of slots: give one of them")
        }
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

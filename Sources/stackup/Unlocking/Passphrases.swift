import Glibc
import Linux
import SecretMemory
import SecretStore
import Terminal

/// Where a command's passphrases come from: the descriptor that `--passphrase-fd` names, or else a person at the terminal.
final class Passphrases {
    private static let tries = 3

    /// Whether a person may be asked for what opens the store.
    var mayAsk = true
    /// The number that was given; nil for none.
    private let number: Int32?
    /// The first line of standard input: what follows it may be a secret's value, which is read before the store is opened.
    private var firstLine: SecretBytes?

    init(_ arguments: ParsedCommand) throws {
        number = try arguments.integer("passphrase-fd", in: 0...65535).map(Int32.init)
        if let number, number == STDOUT_FILENO || number == STDERR_FILENO {
            throw arguments.usageError("option '--passphrase-fd' needs a descriptor to read from, not \(number)")
        }
        if let number, fcntl(number, F_GETFD) < 0 {
            throw arguments.usageError(
                "option '--passphrase-fd': descriptor \(number) is not open", remedy: "open it for the command, as with \(number)<FILE in a shell")
        }
        if number == STDIN_FILENO { firstLine = try nextLine() }
    }

    /// What opens a store, with these passphrases where it takes one.
    ///
    /// - Parameter keyFile: a key file that a person has named.
    func unlocker(of location: StoreLocation, keyFile: String? = nil) -> StoreUnlocker {
        StoreUnlocker(keyFile: keyFile) { attempt throws(StoreError) in
            try self.existing(of: location.directory, attempt: attempt)
        }
    }

    /// A passphrase that opens the store.
    ///
    /// - Returns: nil where nobody can be asked, or has been asked often enough.
    private func existing(of directory: String, attempt: Int) throws(StoreError) -> SecretBytes? {
        if number != nil { return try nextLine() }
        return try StoreError.reading { () throws(SystemCallError) in
            guard mayAsk, attempt <= Self.tries, let prompt = PassphrasePrompt() else { return nil }
            return try prompt.ask("\(attempt == 1 ? "" : "That opens no slot. ")Passphrase of the store in \(directory): ")
        }
    }

    /// A passphrase for a new slot, typed twice by a person.
    func new() throws -> SecretBytes {
        let passphrase: SecretBytes
        if let number {
            guard let line = try nextLine() else {
                throw CommandFailure("descriptor \(number) has no line for the new passphrase, or a line of more than 1024 bytes")
            }
            passphrase = line
        } else {
            guard let prompt = PassphrasePrompt() else {
                throw CommandFailure("there is no terminal to ask for the new passphrase; use --passphrase-fd")
            }
            passphrase = try typed(twiceAt: prompt)
        }
        if let problem = passphraseProblem(passphrase) { throw CommandFailure(problem) }
        return passphrase
    }

    /// Forgets a line that nobody has asked for.
    func forget() { firstLine = nil }

    private func nextLine() throws(StoreError) -> SecretBytes? {
        if let line = firstLine.take() { return line }
        guard let number else { return nil }
        return try StoreError.reading { () throws(SystemCallError) in try PassphraseDescriptor(number).next() }
    }

    private func typed(twiceAt prompt: borrowing PassphrasePrompt) throws -> SecretBytes {
        guard let first = try prompt.ask("New passphrase (at least 8 characters): ") else { throw CommandFailure("no passphrase was given") }
        if let problem = passphraseProblem(first) { throw CommandFailure(problem) }
        guard let second = try prompt.ask("The same again: "), first.equalsInConstantTime(second) else {
            throw CommandFailure("the two passphrases differ; nothing has changed")
        }
        return first
    }
}

extension StoreError {
    fileprivate static func reading(_ body: () throws(SystemCallError) -> SecretBytes?) throws(StoreError) -> SecretBytes? {
        do {
            return try body()
        } catch {
            throw .system(doing: "read the passphrase", error)
        }
    }
}

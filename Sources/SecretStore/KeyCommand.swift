import CSodium
import Glibc
import Linux
import SecretMemory

/// A program that prints what unlocks a key slot: something that a TPM, a key management service or a password manager keeps.
enum KeyCommand {
    /// What it prints is no passphrase that is made slow to guess, so it has to be long, and should be random.
    static let minimumCount = 16
    private static let limit = 4096
    /// For a person who is asked for a PIN, too.
    private static let patience = Duration.seconds(120)

    /// Runs the program, without a shell and in the caller's environment, and takes what it prints.
    ///
    /// - Parameters:
    ///   - words: its absolute path and its arguments.
    ///   - patience: for all of it; then it is ended, with all that it has started.
    /// - Returns: all of its output but a newline at the end.
    static func output(of words: [String], within patience: Duration = patience) throws(KeyCommandError) -> SecretBytes {
        do {
            let output = try FileDescriptor.pipe()
            let process = try start(words, output: output.write)
            var terminal = LentTerminal(to: process.pid)
            let printed: SecretBytes
            do {
                printed = try read(from: output.takeReadEnd(), upToTheEndOf: process, &terminal, within: patience)
            } catch {
                process.end(group: true, after: 0)
                throw error
            }
            // What it leaves running, unless that has made itself a session of its own.
            kill(-process.pid, SIGKILL)
            let end = process.wait()
            let wasLent = switch terminal { case .some: true; case .none: false }
            _ = consume terminal
            switch end {
            case .exited(0): break
            case .killed(let signal):
                // Somebody at the terminal wants an end of all of it, and was heard by the program alone.
                if signal == SIGINT, wasLent { kill(0, SIGINT) }
                throw KeyCommandError("was ended by \(Signals.name(signal))")
            case .exited(let status): throw KeyCommandError("ended with status \(status)")
            }
            guard printed.count >= minimumCount else {
                throw KeyCommandError("printed less than \(minimumCount) bytes: a key has to be too long to be guessed")
            }
            return printed
        } catch let error as SystemCallError {
            throw KeyCommandError("\(words[0]) can't be run: \(String(cString: strerror(error.code)))")
        } catch {
            throw KeyCommandError("\(words[0]) \(error)")
        }
    }

    private static func start(_ words: [String], output: borrowing FileDescriptor) throws(SystemCallError) -> ChildProcess {
        // Standard input may hold a secret's value, which is not for the program. It stays in our session, where it may ask a person
        // for a PIN, and has a group of its own, with which all ends that it has started.
        let nothing = try FileDescriptor.open("/dev/null", O_RDONLY)
        return try ChildProcess(words[0], words, isGroup: true, descriptors: [nothing.number, output.number, STDERR_FILENO])
    }

    /// How long it may go on once it has closed its output, in milliseconds.
    private static let endPatience: Int32 = 5000

    private static func awaitEnd(of process: borrowing ChildProcess) throws {
        var end = pollfd(fd: process.descriptor.number, events: Int16(POLLIN), revents: 0)
        guard try retryingInterrupts("poll", { poll(&end, 1, endPatience) }) > 0 else {
            throw KeyCommandError("closed its output and didn't end")
        }
    }

    /// How often a look is taken at whether it was stopped, in milliseconds.
    private static let glance: Int32 = 100

    /// Everything up to the end of the pipe, or of the process, without a newline at the end. Time that somebody has it stopped doesn't count.
    private static func read(
        from pipe: borrowing FileDescriptor, upToTheEndOf process: borrowing ChildProcess, _ terminal: inout LentTerminal?, within patience: Duration
    ) throws -> SecretBytes {
        var buffer = try SecretBytes(count: limit + 1)
        var filled = 0
        var deadline = Instant.now + patience
        while true {
            let left = deadline - Instant.now
            var waiting = [
                pollfd(fd: pipe.number, events: Int16(POLLIN), revents: 0), pollfd(fd: process.descriptor.number, events: Int16(POLLIN), revents: 0),
            ]
            guard left > .zero else { throw KeyCommandError("didn't end within \(patience)") }
            guard try retryingInterrupts("poll", { poll(&waiting, 2, min(Int32(left / .milliseconds(1)) + 1, glance)) }) > 0 else {
                if process.hasStopped() {
                    let stopped = Instant.now
                    LentTerminal.stop(&terminal, with: process.pid)
                    deadline += Instant.now - stopped
                }
                continue
            }
            // All that it wrote lies in the pipe by then; what it left running may have the other end still.
            if waiting[0].revents == 0 { break }
            let number = pipe.number
            let count = try buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                return try retryingInterrupts("read") { Glibc.read(number, rest.baseAddress, rest.count) }
            }
            if count == 0 { break }
            filled += count
            guard filled <= limit else { throw KeyCommandError("printed more than \(limit) bytes") }
        }
        try awaitEnd(of: process)
        let hasNewline = filled > 0 && buffer.withUnsafeBytes { $0[filled - 1] == UInt8(ascii: "\n") }
        return try buffer.slice(0..<filled - (hasNewline ? 1 : 0))
    }

    /// The unlocking key of a slot: BLAKE2b of the output, salted with the slot's id.
    static func unlockingKey(from output: borrowing SecretBytes, slot: Identifier) throws(SystemCallError) -> SecretBytes {
        var key = try SecretBytes(count: Sealing.keyCount)
        var salt: [UInt8] = []
        salt.append(littleEndian: slot.value)
        let personal = Array("stackup command1".utf8)
        key.withUnsafeMutableBytes { key in
            output.withUnsafeBytes { output in
                _ = crypto_generichash_blake2b_salt_personal(
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count,
                    output.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(output.count), nil, 0, salt, personal)
            }
        }
        return key
    }
}

/// Why a command gave no key.
struct KeyCommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

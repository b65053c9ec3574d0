import CLinux
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
    private static let patienceInMilliseconds = 120_000

    /// Runs the program, without a shell and in the caller's environment, and takes what it prints.
    ///
    /// - Parameter words: its absolute path and its arguments.
    /// - Returns: all of its output but a newline at the end.
    static func output(of words: [String]) throws(KeyCommandError) -> SecretBytes {
        do {
            var ends: [Int32] = [-1, -1]
            try retryingInterrupts("pipe2") { clinux_pipe(&ends) }
            let reading = FileDescriptor(owning: ends[0])
            let pid = try start(words, output: FileDescriptor(owning: ends[1]))
            var output: SecretBytes?
            do throws(KeyCommandError) {
                output = try read(from: reading)
            } catch {
                kill(pid, SIGKILL)
                _ = wait(for: pid)
                throw error
            }
            let status = wait(for: pid)
            guard status == 0 else { throw KeyCommandError(words, status < 0 ? "was ended by \(Signals.name(-status))" : "ended with status \(status)") }
            guard let output = output.take(), output.count >= minimumCount else {
                throw KeyCommandError(words, "printed less than \(minimumCount) bytes: a key has to be too long to be guessed")
            }
            return output
        } catch let error as SystemCallError {
            throw KeyCommandError(words, "can't be run: \(error)")
        } catch {
            throw (error as! KeyCommandError).naming(words)
        }
    }

    private static func start(_ words: [String], output: consuming FileDescriptor) throws(SystemCallError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Standard input may hold a secret's value, which is not for the program.
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.number, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, words[0], &actions, &attributes, &arguments, environ)
        guard failure == 0 else { throw SystemCallError("posix_spawn", code: failure) }
        return pid
    }

    /// Everything up to the end of the pipe, without a newline at the end.
    private static func read(from pipe: borrowing FileDescriptor) throws(KeyCommandError) -> SecretBytes {
        do {
            var buffer = try SecretBytes(count: limit + 1)
            var filled = 0
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            let deadline = Int(now.tv_sec) * 1000 + Int(now.tv_nsec) / 1_000_000 + patienceInMilliseconds
            while true {
                clock_gettime(CLOCK_MONOTONIC, &now)
                let rest = deadline - Int(now.tv_sec) * 1000 - Int(now.tv_nsec) / 1_000_000
                var waiting = pollfd(fd: pipe.number, events: Int16(POLLIN), revents: 0)
                guard rest > 0, try retryingInterrupts("poll", { poll(&waiting, 1, Int32(rest)) }) > 0 else {
                    throw KeyCommandError("didn't end within \(patienceInMilliseconds / 1000) seconds")
                }
                let number = pipe.number
                let count = try buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
                    let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                    return try retryingInterrupts("read") { Glibc.read(number, rest.baseAddress, rest.count) }
                }
                if count == 0 { break }
                filled += count
                guard filled <= limit else { throw KeyCommandError("printed more than \(limit) bytes") }
            }
            let hasNewline = filled > 0 && buffer.withUnsafeBytes { $0[filled - 1] == UInt8(ascii: "\n") }
            return try buffer.slice(0..<filled - (hasNewline ? 1 : 0))
        } catch let error as SystemCallError {
            throw KeyCommandError("can't be listened to: \(error)")
        } catch {
            throw error as! KeyCommandError
        }
    }

    /// The exit status, or the negative number of the signal that ended it.
    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : -signal
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

    init(_ problem: String) {
        description = problem
    }

    init(_ words: [String], _ problem: String) {
        description = "\(words[0]) \(problem)"
    }

    fileprivate func naming(_ words: [String]) -> KeyCommandError {
        description.hasPrefix(words[0]) ? self : KeyCommandError(words, description)
    }
}

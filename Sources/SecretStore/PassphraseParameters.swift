import CSodium
import Linux
import SecretMemory

/// How a passphrase becomes a slot's unlocking key: Argon2id (RFC 9106, libsodium's `crypto_pwhash`), with what that needs.
///
///     salt=<hexadecimal> operations=3 memory=268435456
struct PassphraseParameters: Equatable, Sendable {
    let salt: [UInt8]
    /// How often the memory is gone through.
    let operations: Int
    /// How much memory, in bytes.
    let memory: Int

    private static let saltCount = Int(crypto_pwhash_SALTBYTES)
    /// The header is no one's word: whoever can change it must not have us take all memory, or compute for a day.
    private static let operationsRange = 1...4
    private static let memoryRange = 8 << 20...1 << 30

    init(_ cost: PassphraseCost) {
        var salt = [UInt8](repeating: 0, count: Self.saltCount)
        randombytes_buf(&salt, salt.count)
        self.salt = salt
        (operations, memory) = cost.parameters
    }

    var text: String { "salt=\(hexadecimal(salt)) operations=\(operations) memory=\(memory)" }

    /// Nil where the text isn't what `text` gives, or asks for more than is sensible.
    init?(text: String) {
        let fields = text.fields(separatedBy: " ")
        guard fields.count == 3, fields[0].hasPrefix("salt="), let salt = bytes(hexadecimal: fields[0].dropFirst(5)),
            salt.count == Self.saltCount,
            fields[1].hasPrefix("operations="), let operations = Int(fields[1].dropFirst(11)), Self.operationsRange.contains(operations),
            fields[2].hasPrefix("memory="), let memory = Int(fields[2].dropFirst(7)), Self.memoryRange.contains(memory)
        else { return nil }
        self.salt = salt
        self.operations = operations
        self.memory = memory
        guard self.text == text else { return nil }
    }

    /// The unlocking key.
    ///
    /// - Throws: `ENOMEM` where the machine hasn't got that much memory.
    func unlockingKey(from passphrase: borrowing SecretBytes) throws(SystemCallError) -> SecretBytes {
        var key = try SecretBytes(count: Sealing.keyCount)
        let failed = key.withUnsafeMutableBytes { key in
            passphrase.withUnsafeBytes { passphrase in
                crypto_pwhash(
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(key.count),
                    passphrase.baseAddress!.assumingMemoryBound(to: CChar.self), UInt64(passphrase.count), salt, UInt64(operations),
                    memory, crypto_pwhash_ALG_ARGON2ID13) != 0
            }
        }
        guard !failed else { throw SystemCallError("crypto_pwhash", "\(memory >> 20) MiB of memory for the passphrase", code: 12) }
        return key
    }
}

/// How much work it is to try one passphrase, for us and for whoever guesses: libsodium's three grades.
public enum PassphraseCost: String, Sendable, CaseIterable {
    /// 64 MiB of memory, twice.
    case interactive
    /// 256 MiB of memory, three times.
    case moderate
    /// 1 GiB of memory, four times.
    case sensitive

    fileprivate var parameters: (operations: Int, memory: Int) {
        switch self {
        case .interactive: (2, 64 << 20)
        case .moderate: (3, 256 << 20)
        case .sensitive: (4, 1 << 30)
        }
    }
}

/// What is wrong with a new passphrase, or nil.
///
/// - Parameter passphrase: as typed, without the end of the line.
public func passphraseProblem(_ passphrase: borrowing SecretBytes) -> String? {
    guard passphrase.count >= 8 else { return "a passphrase has 8 bytes at least" }
    let kinds = passphrase.withUnsafeBytes { bytes in
        (UInt8.min...UInt8.max).lazy.filter { bytes.contains($0) }.prefix(4).count
    }
    return kinds < 4 ? "a passphrase has 4 different characters at least" : nil
}

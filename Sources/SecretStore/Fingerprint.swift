import CSodium
import SecretMemory

/// A keyed hash of a value, short enough to show to people.
///
/// A plain hash of a weak password gives it away to anyone with a word list; this one says nothing
/// to those who don't hold the data key. 64 bits are enough, because a value is only ever compared
/// with the same secret's last one, and without the key nobody can search for a second value.
struct Fingerprint: Sendable, Equatable, CustomStringConvertible {
    let value: UInt64

    var description: String { hexadecimalDigits(of: value) }
}

extension Fingerprint {
    init(of value: borrowing SecretBytes, under key: borrowing SecretBytes) {
        self = key.withUnsafeBytes { Fingerprint(of: value, under: $0) }
    }

    init(of value: borrowing SecretBytes, under key: UnsafeRawBufferPointer) {
        // BLAKE2b gives 16 bytes at least; the first eight are as good as any.
        var hash: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &hash) { hash in
            _ = value.withUnsafeBytes { value in
                crypto_generichash(
                    hash.baseAddress!.assumingMemoryBound(to: UInt8.self), hash.count,
                    value.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(value.count),
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count)
            }
        }
        // The bytes in their order, so that the text is the same on every machine.
        self.init(value: UInt64(bigEndian: hash.0))
    }
}

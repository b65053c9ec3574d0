import CSodium
import Linux
import SecretMemory

/// The data key; while a rekey is under way, or after one that was cut short, also the one before it.
///
/// Which of the two seals the index, only the index tells.
struct DataKeys: ~Copyable, Sendable {
    var newest: SecretBytes
    var previous: SecretBytes?

    init(newest: consuming SecretBytes, previous: consuming SecretBytes? = nil) {
        self.newest = newest
        self.previous = previous
    }

    /// Takes 32 or 64 bytes apart.
    init(joined: borrowing SecretBytes) throws(SystemCallError) {
        let newest = try joined.slice(0..<Sealing.keyCount)
        let previous = joined.count > Sealing.keyCount ? try joined.slice(Sealing.keyCount..<2 * Sealing.keyCount) : nil
        self.init(newest: newest, previous: previous)
    }

    private borrowing func joined() throws(SystemCallError) -> SecretBytes {
        let count = previous == nil ? Sealing.keyCount : 2 * Sealing.keyCount
        var bytes = try SecretBytes(count: count)
        bytes.withUnsafeMutableBytes { bytes in
            newest.withUnsafeBytes { bytes.copyMemory(from: $0) }
            previous?.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[Sealing.keyCount...]).copyMemory(from: $0) }
        }
        return bytes
    }

    /// The nonce and the `crypto_box` for a slot's public key, with a `crypto_box_seal` for the same key in it.
    ///
    /// The outer box shows that it comes from the store. It hides nothing from those who have, or had, the sender key, for both ends of a box can
    /// open it; what the inner one was sealed with is thrown away, so that only the slot's private key opens it.
    borrowing func boxed(for publicKey: [UInt8], sender: KeyRing) throws(SystemCallError) -> [UInt8] {
        let nonceCount = Int(crypto_box_NONCEBYTES)
        let joined = try joined()
        var sealed = [UInt8](repeating: 0, count: joined.count + KeySlot.sealOverhead)
        joined.withUnsafeBytes { joined in
            // Both fail for a public key of low order only, which no key pair has.
            _ = crypto_box_seal(&sealed, joined.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(joined.count), publicKey)
        }
        var result = [UInt8](repeating: 0, count: nonceCount + Int(crypto_box_MACBYTES) + sealed.count)
        result.withUnsafeMutableBufferPointer { result in
            randombytes_buf(result.baseAddress!, nonceCount)
            sender.withSenderKey { sender in
                _ = crypto_box_easy(
                    result.baseAddress! + nonceCount, sealed, UInt64(sealed.count), result.baseAddress!, publicKey,
                    sender.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
        return result
    }
}

extension SecretBytes {
    /// A guarded copy of some of the bytes.
    borrowing func slice(_ range: Range<Int>) throws(SystemCallError) -> SecretBytes {
        try withUnsafeBytes { bytes throws(SystemCallError) in
            try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }

    /// A guarded copy.
    borrowing func copied() throws(SystemCallError) -> SecretBytes {
        try slice(0..<count)
    }
}

import CSodium
import Linux
import SecretMemory

/// The keys that a store keeps for itself, sealed under the data key in front of the index.
///
/// - The *configuration key* makes the hashes by which running instances are recognised. It survives a rekey: with another one
///   every service would have to be started anew.
/// - The *sender key* is the X25519 private key by which the store proves to its key slots that a data key comes from it. It
///   survives a rekey too, since the slots know its public key. So who has known an older data key knows it as well.
/// - The *header's number* is that of the header as of this index: one with a smaller number was put back.
final class KeyRing: Sendable {
    static let count = 2 * Sealing.keyCount + 8
    static let sealedCount = count + Sealing.overhead

    private let bytes: SecretBytes

    private init(_ bytes: consuming SecretBytes) {
        self.bytes = bytes
    }

    /// The ring of a new store.
    convenience init() throws(SystemCallError) {
        var bytes = try SecretBytes(count: Self.count)
        bytes.withUnsafeMutableBytes { randombytes_buf($0.baseAddress!, 2 * Sealing.keyCount) }
        self.init(bytes)
    }

    /// The ring of a store that had none before.
    ///
    /// All of it comes from the data key, so that an upgrade that is cut short between header and index goes on with the same one. Who
    /// knows the data key can read the ring anyway.
    convenience init(upgrading dataKey: borrowing SecretBytes) throws(SystemCallError) {
        var bytes = try SecretBytes(count: Self.count)
        let configurationKey = try dataKey.derivingFingerprintKey()
        let senderKey = try dataKey.derivedKey(2, "stacksnd")
        bytes.withUnsafeMutableBytes { bytes in
            configurationKey.withUnsafeBytes { bytes.copyMemory(from: $0) }
            senderKey.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[Sealing.keyCount...]).copyMemory(from: $0) }
        }
        self.init(bytes)
    }

    /// The same keys with another number of the header.
    func noting(headerNumber: UInt64) throws(SystemCallError) -> KeyRing {
        var bytes = try bytes.copied()
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: headerNumber.littleEndian, toByteOffset: 2 * Sealing.keyCount, as: UInt64.self) }
        return KeyRing(bytes)
    }

    /// Opens a sealed ring; nil where the seal doesn't hold.
    convenience init?(opening sealed: [UInt8], under dataKey: borrowing SecretBytes, store: Identifier) throws(SystemCallError) {
        guard let bytes = try Sealing.openGuarded(sealed, under: dataKey, as: .keyRing(of: store)), bytes.count == Self.count
        else { return nil }
        self.init(bytes)
    }

    func sealed(under dataKey: borrowing SecretBytes, store: Identifier) -> [UInt8] {
        bytes.withUnsafeBytes { Sealing.seal($0, under: dataKey, as: .keyRing(of: store)) }
    }

    /// Lends the configuration key, 32 bytes.
    func withConfigurationKey<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<Sealing.keyCount])) }
    }

    /// Lends the sender's private key, 32 bytes.
    func withSenderKey<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[Sealing.keyCount..<2 * Sealing.keyCount])) }
    }

    var headerNumber: UInt64 {
        UInt64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 2 * Sealing.keyCount, as: UInt64.self) })
    }

    var senderPublicKey: [UInt8] {
        var result = [UInt8](repeating: 0, count: Sealing.keyCount)
        withSenderKey { _ = crypto_scalarmult_base(&result, $0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
        return result
    }
}

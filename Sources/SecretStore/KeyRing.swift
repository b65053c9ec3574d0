import CSodium
import Linux
import SecretMemory

/// The keys that a store keeps for itself, sealed under the data key in front of the index.
///
/// - The *configuration key* makes the hashes by which running instances are recognised. It survives a rekey: with another one
///   every service would have to be started anew.
/// - The *sender key* is the X25519 private key by which the store proves to its key slots that a data key comes from it.
final class KeyRing: Sendable {
    static let count = 2 * Sealing.keyCount
    static let sealedCount = count + Sealing.overhead

    private let bytes: SecretBytes

    /// A new ring.
    init() throws(SystemCallError) {
        var bytes = try SecretBytes(count: Self.count)
        bytes.withUnsafeMutableBytes { randombytes_buf($0.baseAddress!, $0.count) }
        self.bytes = bytes
    }

    /// A new ring with the configuration key that a store had before it had a ring.
    init(keeping configurationKey: borrowing SecretBytes) throws(SystemCallError) {
        var bytes = try SecretBytes(count: Self.count)
        bytes.withUnsafeMutableBytes { bytes in
            randombytes_buf(bytes.baseAddress!, bytes.count)
            configurationKey.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
        self.bytes = bytes
    }

    /// Opens a sealed ring; nil where the seal doesn't hold.
    init?(opening sealed: [UInt8], under dataKey: borrowing SecretBytes, store: Identifier) throws(SystemCallError) {
        guard let bytes = try Sealing.openGuarded(sealed, under: dataKey, as: .keyRing(of: store)), bytes.count == Self.count
        else { return nil }
        self.bytes = bytes
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
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[Sealing.keyCount...])) }
    }
}

import CSodium
import Linux
import SecretMemory

/// The sealed part of a backup: a `crypto_secretstream_xchacha20poly1305` of chunks, in order and with an end, so that a chunk that is
/// changed, missing, doubled or moved shows, and so does an end that is cut off. No more than a chunk of it is in memory.
///
///     magic           "stackup-backup 1\n"
///     header          u32 count of bytes, and the store's header: any of its key slots opens the backup
///     stream header   24 bytes
///     chunks          u32 count of bytes, and a sealed chunk, each; the last one is tagged as that, and nothing follows it
///
/// The stream's key is BLAKE2b-256 of the magic and the header with its count, keyed with a key made from the data key: another
/// header in front of it opens nothing.
enum BackupStream {
    static let magic = Array("stackup-backup 1\n".utf8)
    static let chunkCount = 64 << 10
    static let overhead = Int(crypto_secretstream_xchacha20poly1305_ABYTES)
    static let headerCount = Int(crypto_secretstream_xchacha20poly1305_HEADERBYTES)
    static let finalTag = UInt8(crypto_secretstream_xchacha20poly1305_TAG_FINAL)

    /// What stands before the stream.
    static func preamble(_ header: StoreHeader) -> [UInt8] {
        let text = Array(header.text.utf8)
        var bytes = magic
        bytes.append(littleEndian: UInt32(text.count))
        return bytes + text
    }

    static func associatedData(_ store: Identifier) -> [UInt8] {
        Binding(store: store, object: Identifier(0), kind: .backupChunk).associatedData
    }

    static func key(_ dataKey: borrowing SecretBytes, preamble: [UInt8]) throws(SystemCallError) -> SecretBytes {
        let base = try dataKey.derivedKey(1, "stackbak")
        var key = try SecretBytes(count: Int(crypto_secretstream_xchacha20poly1305_KEYBYTES))
        key.withUnsafeMutableBytes { key in
            base.withUnsafeBytes { base in
                _ = crypto_generichash(
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count, preamble, UInt64(preamble.count),
                    base.baseAddress!.assumingMemoryBound(to: UInt8.self), base.count)
            }
        }
        return key
    }
}

/// The state of a backup's stream, in guarded memory since it holds the key.
struct BackupStreamState: ~Copyable {
    private var bytes: SecretBytes

    init() throws(SystemCallError) {
        bytes = try SecretBytes(count: crypto_secretstream_xchacha20poly1305_statebytes())
    }

    mutating func with<Result>(_ body: (UnsafeMutablePointer<crypto_secretstream_xchacha20poly1305_state>) -> Result) -> Result {
        bytes.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: crypto_secretstream_xchacha20poly1305_state.self) { body($0.baseAddress!) }
        }
    }
}

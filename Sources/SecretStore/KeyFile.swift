import CSodium
import Glibc
import Linux
import SecretMemory

/// The key file: 32 random bytes, in a file that nobody but its owner may read.
///
/// It is not the data key but wraps it, so a key can be replaced without sealing everything anew.
enum KeyFile {
    /// Reads the key; nil where there is no such file.
    ///
    /// - Throws: where others could read it, or put another one, or another folder, in its place.
    static func read(_ path: String) throws(StoreError) -> SecretBytes? {
        guard let descriptor = try PrivateFile.open(path, kind: kind) else { return nil }
        return try read(descriptor, path)
    }

    private static let kind = "key file"

    private static func read(_ descriptor: borrowing FileDescriptor, _ path: String) throws(StoreError) -> SecretBytes {
        let key: SecretBytes?
        do {
            key = try SecretBytes(readingFrom: descriptor, limit: Sealing.keyCount)
        } catch {
            throw .system(doing: "read the key", error.naming(path))
        }
        guard let key, key.count == Sealing.keyCount else {
            let size = try Folder.status(of: descriptor, path).st_size
            throw .malformedKey(keyFile: path, problem: "it has \(size) bytes, a key has \(Sealing.keyCount)")
        }
        return key
    }

    /// Reads the key, or makes one where there is no such file.
    static func readOrCreate(_ path: String) throws(StoreError) -> SecretBytes {
        guard let folder = try PrivateFile.folder(of: path, creating: true) else {
            throw .system(doing: "make the key file", SystemCallError("openat2", path, code: ENOENT))
        }
        let number = folder.number
        if let file = try PrivateFile.open(path, in: number, kind: kind) { return try read(file, path) }
        do {
            let key = try SecretBytes.randomKey()
            try PrivateFile.create(path, in: number) { file throws(SystemCallError) in
                try key.withUnsafeBytes { bytes throws(SystemCallError) in try file.writeAll(bytes) }
            }
        } catch {
            throw .system(doing: "make the key file", error.naming(path))
        }
        guard let file = try PrivateFile.open(path, in: number, kind: kind) else {
            throw .system(doing: "read the key", SystemCallError("openat2", path, code: ENOENT))
        }
        return try read(file, path)
    }
}

extension SecretBytes {
    /// A new key.
    static func randomKey() throws(SystemCallError) -> SecretBytes {
        var key = try SecretBytes(count: Sealing.keyCount)
        key.withUnsafeMutableBytes { randombytes_buf($0.baseAddress!, $0.count) }
        return key
    }
}

extension SecretBytes {
    /// The key for fingerprints, which can't be computed back to the data key that this is.
    borrowing func derivingFingerprintKey() throws(SystemCallError) -> SecretBytes {
        try derivedKey(1, "stackfpr")
    }

    /// A key made from this one, which can't be computed back (`crypto_kdf`).
    ///
    /// - Parameter context: eight characters.
    borrowing func derivedKey(_ number: UInt64, _ context: String) throws(SystemCallError) -> SecretBytes {
        var derived = try SecretBytes(count: Sealing.keyCount)
        derived.withUnsafeMutableBytes { derived in
            _ = withUnsafeBytes { key in
                crypto_kdf_derive_from_key(
                    derived.baseAddress!.assumingMemoryBound(to: UInt8.self), derived.count, number, context,
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
        return derived
    }
}

extension Identifier {
    /// A keyed hash of nothing under a key: names the key and says nothing else about it.
    init(ofKey key: borrowing SecretBytes) {
        var hash: UInt128 = 0
        let context = Array("stackup key id 1".utf8)
        withUnsafeMutableBytes(of: &hash) { hash in
            _ = key.withUnsafeBytes { key in
                crypto_generichash(
                    hash.baseAddress!.assumingMemoryBound(to: UInt8.self), hash.count,
                    context, UInt64(context.count),
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count)
            }
        }
        self.init(UInt128(bigEndian: hash))
    }
}

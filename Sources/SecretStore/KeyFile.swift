import CSodium
import Glibc
import Linux

/// The key file: 32 random bytes, in a file that nobody but its owner may read.
///
/// It is not the data key but wraps it, so a key can be replaced without sealing everything anew.
enum KeyFile {
    /// Reads the key; nil where there is no such file.
    static func read(_ path: String) throws(StoreError) -> SecretBytes? {
        let descriptor: FileDescriptor
        do {
            // No link is followed: whoever made the link would choose the key. A FIFO must not hang us.
            descriptor = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        } catch {
            switch error.code {
            case ENOENT: return nil
            case ELOOP:
                throw .exposed(
                    path: path, problem: "the key file is a symbolic link", remedy: "put the file itself there")
            default: throw .system(doing: "read the key", error)
            }
        }
        let status = try Folder.status(of: descriptor, path)
        try check(status, of: path)
        let key: SecretBytes?
        do {
            key = try SecretBytes(readingFrom: descriptor, limit: Sealing.keyCount)
        } catch {
            throw .system(doing: "read the key", error.naming(path))
        }
        guard let key, key.count == Sealing.keyCount else {
            throw .malformedKey(
                keyFile: path, problem: "it has \(status.st_size) bytes, a key has \(Sealing.keyCount)")
        }
        return key
    }

    private static func check(_ status: stat, of path: String) throws(StoreError) {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .malformedKey(keyFile: path, problem: "it is not a regular file")
        }
        guard status.st_uid == geteuid() else {
            throw .exposed(
                path: path, problem: "the key file belongs to user \(status.st_uid), not to user \(geteuid())",
                remedy: "use a key file of your own, or run the command as its owner")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .exposed(
                path: path, problem: "the key file is open to others (mode 0\(String(status.st_mode & 0o777, radix: 8)))",
                remedy: "run: chmod 600 '\(path)' (and if others may have read it, treat the store's secrets as known)")
        }
    }

    /// Reads the key, or makes one where there is no such file.
    ///
    /// The new key is written beside its place and linked into it when it is on the disk: a crash never
    /// leaves half a key, and of two commands that make one at the same time both get the same.
    static func readOrCreate(_ path: String) throws(StoreError) -> SecretBytes {
        if let key = try read(path) { return key }
        try Folder.create(Folder.parent(of: path))
        let temporary = path + "." + Identifier.random().hexadecimal
        do throws(SystemCallError) {
            try writeNewKey(to: temporary)
            defer { unlink(temporary) }
            if link(temporary, path) != 0, errno != EEXIST { throw SystemCallError("link", path) }
        } catch {
            throw .system(doing: "make the key file", error)
        }
        try Folder.synchronize(parentOf: path)
        guard let key = try read(path) else {
            throw .system(doing: "read the key", SystemCallError("openat2", path, code: ENOENT))
        }
        return key
    }

    private static func writeNewKey(to path: String) throws(SystemCallError) {
        let key = try SecretBytes.randomKey()
        let descriptor = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do {
            try key.withUnsafeBytes { bytes throws(SystemCallError) in try descriptor.writeAll(bytes) }
            try retryingInterrupts("fsync", on: path) { fsync(descriptor.number) }
        } catch {
            unlink(path)
            throw error
        }
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
        var derived = try SecretBytes(count: Sealing.keyCount)
        derived.withUnsafeMutableBytes { derived in
            _ = withUnsafeBytes { key in
                crypto_kdf_derive_from_key(
                    derived.baseAddress!.assumingMemoryBound(to: UInt8.self), derived.count, 1, "stackfpr",
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
        return derived
    }
}

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
        guard let folder = try folder(of: path, creating: false) else { return nil }
        return try read(path, in: folder.number)
    }

    /// The folder that it lies in (`O_PATH`).
    private static func folder(of path: String, creating: Bool) throws(StoreError) -> FileDescriptor? {
        try StoreError.wrapping { () throws(SafePathError) in
            try SafePath.open(Paths.directory(of: path), create: creating, durably: true)
        }
    }

    private static func read(_ path: String, in folder: Int32) throws(StoreError) -> SecretBytes? {
        let descriptor: FileDescriptor
        do {
            // No link is followed: whoever made the link would choose the key. A FIFO must not hang us.
            descriptor = try FileDescriptor.open(
                Paths.lastComponent(of: path), in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                resolution: [.noSymlinks, .beneath])
        } catch {
            switch error.code {
            case ENOENT: return nil
            case ELOOP:
                throw .exposed(
                    path: path, problem: "the key file is a symbolic link", remedy: "put the file itself there")
            default: throw .system(doing: "read the key", error.naming(path))
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
        guard let folder = try folder(of: path, creating: true) else {
            throw .system(doing: "make the key file", SystemCallError("openat2", path, code: ENOENT))
        }
        let number = folder.number
        if let key = try read(path, in: number) { return key }
        let name = Paths.lastComponent(of: path)
        let temporary = name + "." + Identifier.random().hexadecimal
        do throws(SystemCallError) {
            try writeNewKey(to: temporary, in: number)
            defer { unlinkat(number, temporary, 0) }
            if linkat(number, temporary, number, name, 0) != 0, errno != EEXIST { throw SystemCallError("link") }
            let readable = try FileDescriptor.open(".", in: number, O_RDONLY | O_DIRECTORY)
            let folder = readable.number
            try retryingInterrupts("fsync") { fsync(folder) }
        } catch {
            throw .system(doing: "make the key file", error.naming(path))
        }
        guard let key = try read(path, in: number) else {
            throw .system(doing: "read the key", SystemCallError("openat2", path, code: ENOENT))
        }
        return key
    }

    private static func writeNewKey(to name: String, in folder: Int32) throws(SystemCallError) {
        let key = try SecretBytes.randomKey()
        let descriptor = try FileDescriptor.open(name, in: folder, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do {
            try key.withUnsafeBytes { bytes throws(SystemCallError) in try descriptor.writeAll(bytes) }
            try retryingInterrupts("fsync") { fsync(descriptor.number) }
        } catch {
            unlinkat(folder, name, 0)
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

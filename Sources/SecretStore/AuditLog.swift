import CSodium
import Glibc
import Linux
import SecretMemory

/// The audit log: a file of sealed entries, each of which holds the hash of the one before.
///
/// Entries are appended by whoever changes the store, and by whoever takes a value out of it, under a lock of the file's own: a
/// reader never waits for a commit. Those of a commit are written before its index is; should the commit not come about, the
/// next one notes so. In the file each entry is a `u32` count, and as many bytes of sealed text.
///
/// What follows the last head that anyone has noted was being written when the machine or the process stopped, and is cut off.
struct AuditLog: ~Copyable {
    /// More than an entry can have.
    private static let entryLimit = 65536
    private static let frameCount = 4
    /// How much is read at a time; more than an entry.
    private static let windowCount = 1 << 20
    private static let patienceInSeconds = 30

    let path: String
    let file: FileDescriptor
    let store: Identifier

    static func fileName(_ file: Identifier) -> String { prefix + file.hexadecimal }

    /// Whether a file of the store's folder is named like a log.
    static func isFileName(_ name: String) -> Bool {
        name.hasPrefix(prefix) && Identifier(hexadecimal: name.dropFirst(prefix.count)) != nil
    }

    private static let prefix = "log-"
    /// What the name of a damaged log that was put aside begins with.
    static let damagedPrefix = "damaged-"

    static func isDamagedFileName(_ name: String) -> Bool {
        name.hasPrefix(damagedPrefix) && isFileName(String(name.dropFirst(damagedPrefix.count)))
    }

    /// What is done with it. Reading takes no right to write: it works on a read-only disk.
    enum Use { case reading, appending, creating }

    /// Opens the log's file, or makes it.
    ///
    /// - Returns: nil where there is none.
    static func open(
        _ identifier: Identifier, in folder: borrowing Folder, store: Identifier, for use: Use
    ) throws(StoreError) -> AuditLog? {
        let name = fileName(identifier)
        do {
            let file = try FileDescriptor.open(
                name, in: folder.descriptor.number,
                (use == .reading ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (use == .creating ? O_CREAT : 0),
                mode: use == .creating ? 0o600 : 0)
            let status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw StoreError.damaged(file: folder.path(of: name), what: .broken)
            }
            return AuditLog(path: folder.path(of: name), file: file, store: store)
        } catch let error as SystemCallError {
            switch error.code {
            case ENOENT: return nil
            case ELOOP: throw .damaged(file: folder.path(of: name), what: .broken)
            default: throw .system(doing: "open the store's log", error.naming(folder.path(of: name)))
            }
        } catch {
            throw error as! StoreError
        }
    }

    private init(path: String, file: consuming FileDescriptor, store: Identifier) {
        self.path = path
        self.file = file
        self.store = store
    }

    /// Waits for the right to append.
    borrowing func lock() throws(StoreError) {
        for _ in 0..<Self.patienceInSeconds * 1000 {
            if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw .system(doing: "lock the store's log", SystemCallError("flock", path))
            }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            nanosleep(&pause, nil)
        }
        throw .busy(directory: path, seconds: Self.patienceInSeconds)
    }

    borrowing func unlock() { flock(file.number, LOCK_UN) }
}

/// Reading.
extension AuditLog {
    /// What follows a head, up to the end or to the first entry that isn't whole.
    struct Tail {
        var entries: [LogEntry] = []
        /// The head after them.
        var head: LogHead
        /// Whether the file ends there.
        var isWhole = true
    }

    /// Reads what follows `head`.
    ///
    /// - Throws: `damaged` where the file ends before the head does.
    borrowing func tail(after head: LogHead, dataKey: borrowing SecretBytes) throws(StoreError) -> Tail {
        let size = UInt64(try Folder.status(of: file, path).st_size)
        guard size >= head.end else { throw .damaged(file: path, what: .broken) }
        var tail = Tail(head: head)
        tail.isWhole = try walk(from: head, upTo: size, dataKey: dataKey) { entry, _, next in
            tail.entries.append(entry)
            tail.head = next
        }
        return tail
    }

    /// Walks over the whole entries that follow `head`, a window of the file at a time: how large the file says that it is, a vandal decides.
    ///
    /// - Parameter body: gets each entry, its plaintext, and the head that it is the last entry of.
    /// - Returns: whether they reach the end.
    borrowing func walk(
        from head: LogHead, upTo size: UInt64, dataKey: borrowing SecretBytes, _ body: (LogEntry, [UInt8], LogHead) -> Void
    ) throws(StoreError) -> Bool {
        var head = head
        while head.end < size {
            let begin = head.end
            let bytes = try read(from: begin, count: Int(min(size - begin, UInt64(Self.windowCount))))
            var position = 0
            while let (entry, plaintext, end) = entry(in: bytes, at: position, sequence: head.sequence + 1, dataKey: dataKey),
                entry.previous == head.hash
            {
                head.sequence += 1
                head.hash = LogEntry.hash(of: plaintext)
                head.start = begin + UInt64(position)
                head.end = begin + UInt64(end)
                position = end
                body(entry, plaintext, head)
            }
            // Where a window has no whole entry, there is none.
            if position == 0 { return false }
        }
        return true
    }

    /// Whether the entry that a head speaks of stands where it says, and is the one.
    borrowing func holds(_ head: LogHead, dataKey: borrowing SecretBytes) throws(StoreError) -> Bool {
        guard head.sequence > 0 else { return true }
        guard head.end >= head.start, head.end - head.start <= UInt64(Self.entryLimit + Self.frameCount) else { return false }
        let bytes = try read(from: head.start, count: Int(head.end - head.start))
        guard let (_, plaintext, end) = entry(in: bytes, at: 0, sequence: head.sequence, dataKey: dataKey) else { return false }
        return end == bytes.count && LogEntry.hash(of: plaintext) == head.hash
    }

    borrowing func entry(
        in bytes: [UInt8], at position: Int, sequence: UInt64, dataKey: borrowing SecretBytes
    ) -> (LogEntry, plaintext: [UInt8], end: Int)? {
        let count: UInt32? = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes, at: position)
            return reader.integer()
        }
        guard let count, count <= Self.entryLimit, bytes.count - position - Self.frameCount >= Int(count) else { return nil }
        let start = position + Self.frameCount
        let end = start + Int(count)
        guard let plaintext = Sealing.open(
            bytes[start..<end], under: dataKey, as: .logEntry(sequence, of: store)),
            let entry = LogEntry(decoding: plaintext, sequence: sequence)
        else { return nil }
        return (entry, plaintext, end)
    }

    borrowing func read(from offset: UInt64, count: Int) throws(StoreError) -> [UInt8] {
        var failure: SystemCallError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = pread(file.number, buffer.baseAddress! + filled, count - filled, off_t(offset) + off_t(filled))
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    break
                } else if errno != EINTR {
                    failure = SystemCallError("pread", path)
                    break
                }
            }
        }
        if let failure { throw .system(doing: "read the store's log", failure) }
        return bytes
    }
}

/// Writing, by the holder of the lock.
extension AuditLog {
    /// Appends events. Where that fails, the file is as before. They are not on the disk before `synchronize` returns, which is for
    /// when the lock has been given back: nobody who reads a value shall wait for somebody else's disk.
    ///
    /// - Parameters:
    ///   - head: the end of what is to stay; whatever follows it is cut off.
    ///   - generation: the commit that they are part of; 0 for none.
    /// - Returns: the head after them.
    borrowing func append(
        _ events: [(event: AuditEvent, generation: UInt64)], after head: LogHead, dataKey: borrowing SecretBytes
    ) throws(StoreError) -> LogHead {
        var head = head
        let begin = head.end
        var bytes: [UInt8] = []
        let author = Author.current
        for (event, generation) in events {
            let entry = LogEntry(
                sequence: head.sequence + 1, time: author.time, uid: author.uid, loginUID: author.loginUID, event: event,
                generation: generation, previous: head.hash)
            let plaintext = entry.encoded
            let sealed = plaintext.withUnsafeBytes {
                Sealing.seal($0, under: dataKey, as: .logEntry(entry.sequence, of: store))
            }
            head.sequence = entry.sequence
            head.hash = LogEntry.hash(of: plaintext)
            head.start = begin + UInt64(bytes.count)
            bytes.append(littleEndian: UInt32(sealed.count))
            bytes += sealed
            head.end = begin + UInt64(bytes.count)
        }
        do throws(SystemCallError) {
            try retryingInterrupts("ftruncate", on: path) { ftruncate(file.number, off_t(begin)) }
            try write(bytes, at: begin)
        } catch {
            ftruncate(file.number, off_t(begin))
            throw .system(doing: "write to the store's log", error)
        }
        return head
    }

    /// Writes what was appended, by others too, through to the disk.
    borrowing func synchronize() throws(StoreError) {
        do {
            try retryingInterrupts("fdatasync", on: path) { fdatasync(file.number) }
        } catch {
            throw .system(doing: "write to the store's log", error)
        }
    }

    borrowing func write(_ bytes: [UInt8], at offset: UInt64) throws(SystemCallError) {
        var written = 0
        while written < bytes.count {
            written += try retryingInterrupts("pwrite", on: path) {
                bytes.withUnsafeBytes {
                    pwrite(file.number, $0.baseAddress! + written, $0.count - written, off_t(offset) + off_t(written))
                }
            }
        }
    }

    /// Who writes, and when.
    private struct Author {
        let time: Int64
        let uid: UInt32
        let loginUID: UInt32?

        static var current: Author {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            return Author(time: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000, uid: getuid(), loginUID: currentLoginUID())
        }
    }
}

/// The user who logged in, as pam_loginuid(8) noted; nil where nobody did, or the kernel keeps no such note.
private func currentLoginUID() -> UInt32? {
    guard let file = try? FileDescriptor.open("/proc/self/loginuid", O_RDONLY), let bytes = try? file.readAll(),
        let uid = UInt32(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber }), uid != .max
    else { return nil }
    return uid
}

extension LogEntry {
    /// BLAKE2b-256.
    static func hash(of plaintext: [UInt8]) -> [UInt8] {
        var hash = noHash
        crypto_generichash(&hash, hash.count, plaintext, UInt64(plaintext.count), nil, 0)
        return hash
    }
}

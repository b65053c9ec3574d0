import CSodium
import Glibc
import Linux

/// What is known of a store's newest state apart from the store: its generation, and the end of its log.
///
/// It lies beside the key file as `<key file>.d/head-<store id>`. Who can write to the store's folder but not to this one can't put
/// an old store, or a shortened log, in the place of the new one without its showing:
///
///     stackup-head 1
///     generation 17
///     log 5d0f… 42 9b1c… 1034 1201       file, entries, hash of the last one, where it starts and ends
///     check 07ab…                        BLAKE2b-128 of the lines before
///
/// It is written in place, within one sector, after what it speaks of is on the disk. So it may be older than the store,
/// after a power failure, but never newer.
struct KeptHead: Equatable, Sendable {
    /// The newest commit's.
    var generation: UInt64
    var log: LogHead

    static func path(_ location: StoreLocation, store: Identifier) -> String {
        "\(location.keyNotes)/head-\(store.hexadecimal)"
    }

    /// Reads the head; nil where there is none.
    ///
    /// - Throws: `exposed` where others could write it; `damaged`.
    static func read(_ location: StoreLocation, store: Identifier) throws(StoreError) -> KeptHead? {
        let path = path(location, store: store)
        guard let file = try open(path, O_RDONLY, creating: false) else { return nil }
        // A write that is under way may show in part; it takes no time at all.
        for _ in 0..<1000 {
            var buffer = [UInt8](repeating: 0, count: sizeLimit)
            let count = pread(file.number, &buffer, buffer.count, 0)
            guard count >= 0 else { throw .system(doing: "read the store's head", SystemCallError("pread", path)) }
            // A writer that died before its first byte.
            if count == 0 { return nil }
            if let head = KeptHead(parsing: buffer[..<count]) { return head }
            sched_yield()
        }
        throw .damaged(file: path, what: .broken)
    }

    /// Writes a head.
    ///
    /// - Parameter keepingNewer: otherwise it takes the place of a newer one too: after somebody has said that an older store
    ///   is the one that they want.
    static func write(
        _ head: KeptHead, _ location: StoreLocation, store: Identifier, keepingNewer: Bool = true
    ) throws(StoreError) {
        let path = path(location, store: store)
        guard let file = try open(path, O_RDWR | O_CREAT, creating: true) else {
            throw .system(doing: "write the store's head", SystemCallError("openat2", path, code: ENOENT))
        }
        do {
            try retryingInterrupts("flock") { flock(file.number, LOCK_EX) }
            defer { flock(file.number, LOCK_UN) }
            var buffer = [UInt8](repeating: 0, count: sizeLimit)
            let count = pread(file.number, &buffer, buffer.count, 0)
            if keepingNewer, count > 0, let present = KeptHead(parsing: buffer[..<count]), !head.isNewer(than: present) { return }
            try write(head, to: file)
        } catch {
            throw .system(doing: "write the store's head", error.naming(path))
        }
    }

    private func isNewer(than other: KeptHead) -> Bool {
        generation != other.generation ? generation > other.generation : log.sequence > other.log.sequence
    }

    private static func write(_ head: KeptHead, to file: borrowing FileDescriptor) throws(SystemCallError) {
        let bytes = Array(head.text.utf8)
        let count = try retryingInterrupts("pwrite") { pwrite(file.number, bytes, bytes.count, 0) }
        guard count == bytes.count else { throw SystemCallError("pwrite", code: ENOSPC) }
        try retryingInterrupts("ftruncate") { ftruncate(file.number, off_t(bytes.count)) }
    }

    private static func open(_ path: String, _ flags: Int32, creating: Bool) throws(StoreError) -> FileDescriptor? {
        let folder = try StoreError.wrapping { () throws(SafePathError) in
            try SafePath.open(Paths.directory(of: path), create: creating, durably: true)
        }
        guard let folder else { return nil }
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                Paths.lastComponent(of: path), in: folder.number, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: creating ? 0o600 : 0,
                resolution: [.noSymlinks, .beneath])
        } catch {
            if error.code == ENOENT { return nil }
            throw .system(doing: "open the store's head", error.naming(path))
        }
        let status = try Folder.status(of: file, path)
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw .exposed(
                path: path, problem: "others may write to this file, or have made it",
                remedy: "check the store with: stackup store verify")
        }
        return file
    }
}

extension KeptHead {
    private static let magic = "stackup-head 1"
    private static let sizeLimit = 512

    /// At most a sector of 512 bytes.
    fileprivate var text: String {
        let lines = """
            \(Self.magic)
            generation \(generation)
            log \(log.file.hexadecimal) \(log.sequence) \(hexadecimal(log.hash)) \(log.start) \(log.end)

            """
        return lines + "check \(hexadecimal(Self.checksum(Array(lines.utf8))))\n"
    }

    fileprivate init?(parsing text: ArraySlice<UInt8>) {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 5, lines[0] == Self.magic, lines[4].isEmpty else { return nil }
        let generation = lines[1].split(separator: " "), log = lines[2].split(separator: " ")
        guard generation.count == 2, generation[0] == "generation", let number = UInt64(generation[1]),
            log.count == 6, log[0] == "log", let file = Identifier(hexadecimal: log[1]), let sequence = UInt64(log[2]),
            let hash = bytes(hexadecimal: log[3]), hash.count == LogEntry.hashCount,
            let start = UInt64(log[4]), let end = UInt64(log[5])
        else { return nil }
        var head = LogHead()
        (head.file, head.sequence, head.hash, head.start, head.end) = (file, sequence, hash, start, end)
        self.init(generation: number, log: head)
        guard Array(self.text.utf8) == Array(text) else { return nil }
    }

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: 16)
        crypto_generichash(&hash, hash.count, bytes, UInt64(bytes.count), nil, 0)
        return hash
    }
}

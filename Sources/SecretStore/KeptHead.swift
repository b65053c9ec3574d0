import CSodium
import Glibc
import Linux
import SecretMemory

/// What is known of a store's newest state apart from the store: its generation, and the end of its log.
///
/// It lies beside the key file as `<key file>.d/head-<store id>`. Who can write to the store's folder but not to this one can't put
/// an old store, or a shortened log, in the place of the new one without its showing:
///
///     stackup-head 1
///     generation 17
///     log 5d0f… 42 9b1c… 1034 1201       file, entries, hash of the last one, where it starts and ends
///     key 91c2…                          the ids of the data keys that may seal the store: two while a rekey is under way
///     check 07ab…                        BLAKE2b-128 of the lines before
///
/// Empty lines fill it up to a sector, so that its size never changes: it is written in place, and a disk writes a sector as a whole
/// or not at all. It is written after what it speaks of is on the disk. So it may be older than the store, after a power failure, but
/// never newer.
struct KeptHead: Equatable, Sendable {
    /// The newest commit's.
    var generation: UInt64
    var log: LogHead
    /// Who has known an older data key can make a store that is newer in every other respect.
    var keys: [Identifier]

    static func path(_ location: StoreLocation, store: Identifier) -> String {
        "\(location.keyNotes)/\(prefix)\(store.hexadecimal)"
    }

    /// The path of some store's head, where there is one.
    static func any(_ location: StoreLocation) -> String? {
        guard let folder = try? FileDescriptor.open(location.keyNotes, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return nil }
        return DirectoryListing.names(in: folder.number).sorted().lazy.compactMap { name -> String? in
            guard name.hasPrefix(prefix), let store = Identifier(hexadecimal: name.dropFirst(prefix.count)) else { return nil }
            // An empty one was made for a first commit that did not come about.
            if case .some(.none) = try? read(location, store: store) { return nil }
            return path(location, store: store)
        }.first
    }

    /// Reads the head; nil where there is none.
    ///
    /// - Throws: `exposed` where others could write it; `damaged`.
    static func read(_ location: StoreLocation, store: Identifier) throws(StoreError) -> KeptHead? {
        let path = path(location, store: store)
        guard let file = try open(path, O_RDONLY, creating: false) else { return nil }
        // A write that is under way may show in part; it takes no time at all.
        for _ in 0..<1000 {
            var buffer = [UInt8](repeating: 0, count: size)
            let count = pread(file.number, &buffer, buffer.count, 0)
            guard count >= 0 else { throw .system(doing: "read the store's head", SystemCallError("pread", path)) }
            // A writer that died before its first byte, or one whose first bytes a power failure lost.
            if buffer.allSatisfy({ $0 == 0 }) { return nil }
            if let head = KeptHead(parsing: buffer[..<count]) { return head }
            sched_yield()
        }
        throw .damaged(file: path, what: .broken)
    }

    /// Lets a store be sealed under another data key from now on, too, before its index is. Keys that were let in before, and never came to
    /// be used, are let in no more.
    static func admit(_ key: Identifier, besides present: [Identifier], _ location: StoreLocation, store: Identifier) throws(StoreError) {
        guard var head = try read(location, store: store) else { return }
        head.keys = [key] + present.filter { $0 != key }.prefix(keyLimit - 1)
        try write(head, location, store: store, keepingNewer: false, durably: true)
    }

    /// Makes an empty head where there is none, so that writing one, which comes after the commit, can't find the disk full.
    static func reserve(_ location: StoreLocation, store: Identifier) throws(StoreError) {
        let path = path(location, store: store)
        guard let file = try open(path, O_RDWR | O_CREAT, creating: true) else {
            throw .system(doing: "make the store's head", SystemCallError("openat2", path, code: ENOENT))
        }
        do {
            try lock(file)
            defer { flock(file.number, LOCK_UN) }
            guard try file.status().st_size != size else { return }
            try write([UInt8](repeating: 0, count: size), to: file)
            try retryingInterrupts("ftruncate") { ftruncate(file.number, off_t(size)) }
            try retryingInterrupts("fsync") { fsync(file.number) }
            let folder = try FileDescriptor.open(Paths.directory(of: path), O_RDONLY | O_DIRECTORY)
            try retryingInterrupts("fsync") { fsync(folder.number) }
        } catch {
            throw .system(doing: "make the store's head", error.naming(path))
        }
    }

    /// Writes a head.
    ///
    /// - Parameters:
    ///   - keepingNewer: otherwise it takes the place of a newer one too: after somebody has said that an older store
    ///     is the one that they want.
    ///   - durably: whether it is on the disk when this returns. It needn't be after a commit, which an older head doesn't contradict.
    static func write(
        _ head: KeptHead, _ location: StoreLocation, store: Identifier, keepingNewer: Bool = true, durably: Bool = false
    ) throws(StoreError) {
        let path = path(location, store: store)
        guard let file = try open(path, O_RDWR, creating: false) else {
            // Somebody has taken it away.
            try reserve(location, store: store)
            return try write(head, location, store: store, keepingNewer: keepingNewer, durably: durably)
        }
        do {
            try lock(file)
            defer { flock(file.number, LOCK_UN) }
            var buffer = [UInt8](repeating: 0, count: size)
            let count = pread(file.number, &buffer, buffer.count, 0)
            var head = head
            if keepingNewer, count > 0, let present = KeptHead(parsing: buffer[..<count]) {
                guard head.isNewer(than: present) else { return }
                // One of the same state doesn't know that a rekey is under way.
                if present.generation == head.generation { head.keys = present.keys }
            }
            try write(Array(head.text.utf8), to: file)
            if durably { try retryingInterrupts("fdatasync") { fdatasync(file.number) } }
        } catch {
            throw .system(doing: "write the store's head", error.naming(path))
        }
    }

    /// Held for as long as it takes to compare and to write, so the wait is for a process that was stopped at it.
    private static func lock(_ file: borrowing FileDescriptor) throws(SystemCallError) {
        for _ in 0..<30_000 {
            if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw SystemCallError("flock") }
            var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
            nanosleep(&pause, nil)
        }
        throw SystemCallError("flock", code: EWOULDBLOCK)
    }

    /// Whether an index is older than this, or sealed under a data key that the store hasn't got any more.
    func isNewer(than index: Index, under dataKey: borrowing SecretBytes) -> Bool {
        generation > index.generation || !keys.contains(Identifier(ofKey: dataKey))
    }

    private func isNewer(than other: KeptHead) -> Bool {
        generation != other.generation ? generation > other.generation : log.sequence > other.log.sequence
    }

    private static func write(_ bytes: [UInt8], to file: borrowing FileDescriptor) throws(SystemCallError) {
        let count = try retryingInterrupts("pwrite") { pwrite(file.number, bytes, bytes.count, 0) }
        guard count == bytes.count else { throw SystemCallError("pwrite", code: ENOSPC) }
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
    private static let prefix = "head-"
    private static let size = 512
    private static let keyLimit = 3

    /// A sector of 512 bytes.
    fileprivate var text: String {
        let lines = """
            \(Self.magic)
            generation \(generation)
            log \(log.file.hexadecimal) \(log.sequence) \(hexadecimal(log.hash)) \(log.start) \(log.end)
            key \(keys.map(\.hexadecimal).joined(separator: " "))

            """
        let text = lines + "check \(hexadecimal(Self.checksum(Array(lines.utf8))))\n"
        return text + String(repeating: "\n", count: Self.size - text.utf8.count)
    }

    fileprivate init?(parsing text: ArraySlice<UInt8>) {
        let lines = String(decoding: text, as: UTF8.self).fields(separatedBy: "\n")
        guard lines.count >= 5, lines[0] == Self.magic else { return nil }
        let (generation, log, keys) = (lines[1].fields(separatedBy: " "), lines[2].fields(separatedBy: " "), lines[3].fields(separatedBy: " "))
        guard generation.count == 2, generation[0] == "generation", let number = UInt64(generation[1]),
            log.count == 6, log[0] == "log", let file = Identifier(hexadecimal: log[1]), let sequence = UInt64(log[2]),
            let hash = bytes(hexadecimal: log[3]), hash.count == LogEntry.hashCount,
            let start = UInt64(log[4]), let end = UInt64(log[5]), (2...Self.keyLimit + 1).contains(keys.count), keys[0] == "key"
        else { return nil }
        var head = LogHead()
        (head.file, head.sequence, head.hash, head.start, head.end) = (file, sequence, hash, start, end)
        self.init(generation: number, log: head, keys: keys.dropFirst().compactMap { Identifier(hexadecimal: $0) })
        guard Array(self.text.utf8) == Array(text) else { return nil }
    }

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: 16)
        crypto_generichash(&hash, hash.count, bytes, UInt64(bytes.count), nil, 0)
        return hash
    }
}

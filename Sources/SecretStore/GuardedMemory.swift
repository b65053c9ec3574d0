import CSodium
import Glibc
import Linux
import Synchronization

/// A piece of guarded memory: zeroed when it is taken, wiped when its one owner goes away.
///
/// It is part of a ``GuardedArena``, so taking one costs no system call as long as the arena has room.
struct GuardedMemory: ~Copyable, @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    /// In bytes.
    let count: Int
    private let arena: GuardedArena

    /// - Throws: `ENOMEM` where the machine has no memory, or the process no mappings, left.
    init(count: Int) throws(SystemCallError) {
        (arena, address) = try GuardedArena.take(count)
        self.count = count
    }

    deinit {
        // Only now may somebody else have the place: first wiped, then given back.
        sodium_memzero(address, count)
        arena.giveBack(address, count)
    }
}

/// Pages between two guard pages, locked so that they are not swapped out, and left out of core dumps.
///
/// A mapping for each value, as `sodium_malloc` makes it, costs nine system calls and a page for what is mostly a
/// password's length. Small values therefore share an arena, which is unmapped when the last of them is gone and
/// a newer arena has taken its place. The price: between two values of one arena there is no guard page.
private final class GuardedArena: Sendable {
    /// The room in an arena that values share, in bytes.
    private static let sharedSize = 64 << 10
    /// A larger value has an arena of its own: it would leave much of a shared one unused.
    private static let largestShared = sharedSize / 4
    /// The arena that small values are taken from.
    private static let shared = Mutex<GuardedArena?>(nil)

    /// How far into an arena pieces lie, and how many there are.
    private struct Use {
        var end = 0
        var pieces = 0
    }

    private nonisolated(unsafe) let mapping: UnsafeMutableRawPointer
    private let mappedSize: Int
    private let guardSize: Int
    private let use = Mutex(Use())

    /// - Parameter size: in bytes; rounded up to whole pages.
    private init(size: Int) throws(SystemCallError) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let room = (size + page - 1) / page * page
        mappedSize = room + 2 * page
        guardSize = page
        guard let mapping = mmap(nil, mappedSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), mapping != MAP_FAILED else {
            throw SystemCallError("mmap", "guarded memory for secrets")
        }
        self.mapping = mapping
        guard mprotect(mapping + page, room, PROT_READ | PROT_WRITE) == 0 else {
            throw SystemCallError("mprotect", "guarded memory for secrets")
        }
        madvise(mapping + page, room, Int32(MADV_DONTDUMP))
        // Where RLIMIT_MEMLOCK forbids it the memory is used unlocked; see `SecretBytes`.
        _ = mlock(mapping + page, room)
    }

    deinit {
        munmap(mapping, mappedSize)
    }

    /// A piece of the shared arena, of a new one where that is full, or of an arena of its own.
    static func take(_ count: Int) throws(SystemCallError) -> (GuardedArena, UnsafeMutableRawPointer) {
        if count > largestShared {
            let own = try GuardedArena(size: count)
            return (own, own.place(for: count)!)
        }
        return try shared.withLock { shared throws(SystemCallError) in
            if let arena = shared, let address = arena.place(for: count) { return (arena, address) }
            let arena = try GuardedArena(size: sharedSize)
            shared = arena
            return (arena, arena.place(for: count)!)
        }
    }

    /// Nil where there is no room left.
    private func place(for count: Int) -> UnsafeMutableRawPointer? {
        use.withLock { use in
            let start = use.end
            guard start + Self.aligned(count) <= mappedSize - 2 * guardSize else { return nil }
            use.end = start + Self.aligned(count)
            use.pieces += 1
            return mapping + guardSize + start
        }
    }

    /// Room is used again from the end: when the last piece goes, or all have gone.
    func giveBack(_ address: UnsafeMutableRawPointer, _ count: Int) {
        use.withLock { use in
            let start = address - (mapping + guardSize)
            use.pieces -= 1
            if use.pieces == 0 {
                use.end = 0
            } else if start + Self.aligned(count) == use.end {
                use.end = start
            }
        }
    }

    private static func aligned(_ count: Int) -> Int {
        (count + 15) / 16 * 16
    }
}

import CSodium
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

/// A ``GuardedMapping`` that values share.
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

    private let mapping: GuardedMapping
    private let use = Mutex(Use())

    private init(size: Int) throws(SystemCallError) {
        mapping = try GuardedMapping(size: size)
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
            guard start + Self.aligned(count) <= mapping.pages.count else { return nil }
            use.end = start + Self.aligned(count)
            use.pieces += 1
            return mapping.pages.baseAddress! + start
        }
    }

    /// Room is used again from the end: when the last piece goes, or all have gone.
    func giveBack(_ address: UnsafeMutableRawPointer, _ count: Int) {
        use.withLock { use in
            let start = address - mapping.pages.baseAddress!
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

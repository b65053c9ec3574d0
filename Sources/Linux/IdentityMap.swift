import Glibc

/// Which users, or groups, a user namespace has, and who each of them is outside (user_namespaces(7)).
public struct IdentityMap: Equatable, Sendable {
    /// Ids in a row. Ids are of 32 bits, and the last of them is nobody's; sums of them need more.
    struct Extent: Equatable, Sendable {
        var inside: UInt64
        var outside: UInt64
        var count: UInt64
    }

    /// Which of the two maps that a namespace has.
    public enum Kind: String, Sendable {
        case users = "uid"
        case groups = "gid"
    }

    let extents: [Extent]

    /// How many the kernel takes (user_namespaces(7)).
    static let mostExtents = 340

    init(_ extents: [Extent]) { self.extents = extents }

    /// That of a process's namespace.
    ///
    /// - Returns: nil where that can't be told.
    public init?(_ kind: Kind, of pid: Int32) {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/\(kind.rawValue)_map", O_RDONLY), let bytes = try? file.readAll(limit: 1 << 20)
        else { return nil }
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// What ``text`` is, and what the kernel shows: a line for each extent.
    public init?(_ text: String) {
        var extents: [Extent] = []
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            guard numbers.count == 3, numbers.allSatisfy({ $0 <= UInt32.max }) else { return nil }
            extents.append(Extent(inside: numbers[0], outside: numbers[1], count: numbers[2]))
        }
        self.init(extents)
    }

    /// One who is the same inside and outside, and nobody else.
    public init(alone id: UInt32) {
        self.init([Extent(inside: UInt64(id), outside: UInt64(id), count: 1)])
    }

    /// One who is the same inside and outside; all others, from 0 on and as many as there are, are subordinate ids, in their order.
    ///
    /// So nobody inside is somebody of the host's by accident: 0 is the first subordinate id.
    ///
    /// - Parameters:
    ///   - id: the one.
    ///   - ranges: the subordinate ids. Those that come twice count once, as the kernel wants it, and `id` is none.
    /// - Returns: nil where there are none.
    public init?(_ id: UInt32, subordinates ranges: [SubordinateRange]) {
        let own = UInt64(id)
        var extents: [Extent] = []
        var next: UInt64 = 0
        func append(from outside: UInt64, count: UInt64) {
            var (outside, count) = (outside, min(count, UInt64(UInt32.max) - next))
            while count > 0 {
                if next == own { next += 1 }
                // In one piece up to the own id.
                let piece = next < own ? min(count, own - next) : min(count, UInt64(UInt32.max) - next)
                guard piece > 0 else { return }
                extents.append(Extent(inside: next, outside: outside, count: piece))
                (next, outside, count) = (next + piece, outside + piece, count - piece)
            }
        }
        var taken: [SubordinateRange] = [SubordinateRange(first: own, count: 1)]
        for range in ranges {
            for rest in range.without(taken) { append(from: rest.first, count: rest.count) }
            taken.append(range)
        }
        guard !extents.isEmpty else { return nil }
        self.init([Extent(inside: own, outside: own, count: 1)] + extents.prefix(Self.mostExtents - 1))
    }

    /// As `/proc/PID/uid_map` takes it.
    public var text: String {
        extents.map { "\($0.inside) \($0.outside) \($0.count)\n" }.joined()
    }

    /// As newuidmap(1) takes it.
    public var arguments: [String] { extents.flatMap { ["\($0.inside)", "\($0.outside)", "\($0.count)"] } }

    /// Whether there is one of that number inside.
    public func contains(_ id: UInt32) -> Bool {
        extents.contains { $0.inside <= UInt64(id) && UInt64(id) - $0.inside < $0.count }
    }

    /// Who one inside is outside.
    public func outside(_ id: UInt32) -> UInt32? {
        extents.first { $0.inside <= UInt64(id) && UInt64(id) - $0.inside < $0.count }.flatMap { UInt32(exactly: $0.outside + UInt64(id) - $0.inside) }
    }

    /// The one who is the same inside and outside; nil where there is none, or there are more.
    public var same: UInt32? {
        let all = extents.filter { $0.inside == $0.outside }
        return all.count == 1 && all[0].count == 1 ? UInt32(exactly: all[0].inside) : nil
    }

    /// Whether there is nobody but that one.
    public var hasOne: Bool { extents.count == 1 && extents[0].count == 1 }

    /// The highest number that there is with all below it; nil where not even 0 is.
    public var lastInRow: UInt32? {
        var next: UInt64 = 0
        for extent in extents.sorted(by: { $0.inside < $1.inside }) where extent.inside == next { next += extent.count }
        return next == 0 ? nil : UInt32(exactly: next - 1)
    }
}

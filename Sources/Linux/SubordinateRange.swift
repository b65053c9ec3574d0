import Glibc

/// Ids in a row that an administrator has given to an ordinary user: a line of subuid(5) or subgid(5).
public struct SubordinateRange: Equatable, Sendable {
    public let first: UInt64
    public let count: UInt64

    public init(first: UInt64, count: UInt64) {
        self.first = first
        self.count = count
    }

    private var end: UInt64 { first + count }

    /// What is in none of the others, in order.
    func without(_ others: [SubordinateRange]) -> [SubordinateRange] {
        var parts = [self]
        for other in others {
            parts = parts.flatMap { part in
                [
                    SubordinateRange(first: part.first, count: min(part.end, max(other.first, part.first)) - part.first),
                    SubordinateRange(first: min(part.end, max(other.end, part.first)), count: part.end - min(part.end, max(other.end, part.first))),
                ].filter { $0.count > 0 }
            }
        }
        return parts
    }

    /// Those of one user, in the order of the file: `NAME:FIRST:COUNT`, or `UID:FIRST:COUNT`. Lines that are none, and ids that are none, don't count.
    ///
    /// - Parameters:
    ///   - text: of the file.
    ///   - name: nil where passwd(5) has none.
    public static func parse(_ text: String, of name: String?, uid: UInt32) -> [SubordinateRange] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let owner = fields.first.map(String.init), !owner.isEmpty, owner == name || owner == String(uid),
                let first = number(fields[1]), let count = number(fields[2]), count > 0,
                // The last id of all is nobody's (user_namespaces(7)); 0 is never anybody's subordinate.
                first > 0, first + count <= UInt64(UInt32.max)
            else { return nil }
            return SubordinateRange(first: first, count: count)
        }
    }

    /// Digits only: `+1` and ` 1` are no numbers there.
    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text), number <= UInt64(UInt32.max) else { return nil }
        return number
    }
}

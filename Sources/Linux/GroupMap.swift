import Glibc

/// The groups that there are in a process's user namespace: `/proc/PID/gid_map` (user_namespaces(7)).
public struct GroupMap: Equatable, Sendable {
    private let ranges: [Range<UInt64>]

    /// - Parameter pid: of the process.
    /// - Returns: nil where that can't be told.
    public init?(of pid: Int32) {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/gid_map", O_RDONLY), let bytes = try? file.readAll(limit: 1 << 20) else { return nil }
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    init?(_ text: String) {
        var ranges: [Range<UInt64>] = []
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { UInt64($0) }
            guard numbers.count == 3, numbers.allSatisfy({ $0 <= UInt32.max }) else { return nil }
            ranges.append(numbers[0]..<numbers[0] + numbers[2])
        }
        self.ranges = ranges
    }

    /// Whether a group of that number is one of them.
    public func contains(_ group: UInt32) -> Bool { ranges.contains { $0.contains(UInt64(group)) } }

    /// The group that is the only one; nil where there are more.
    public var only: UInt32? { ranges.count == 1 && ranges[0].count == 1 ? UInt32(ranges[0].lowerBound) : nil }
}

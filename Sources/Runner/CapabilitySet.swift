import Linux

/// Capabilities of the kernel (capabilities(7)): a bit for each, by its number in linux/capability.h.
public struct CapabilitySet: OptionSet, Codable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The capability of a name such as `CAP_CHOWN`; nil where Linux has none of that name.
    public init?(named name: String) {
        guard let number = Capabilities.number(name) else { return nil }
        rawValue = 1 << UInt64(number)
    }

    /// Every one that has a name.
    public static let all = CapabilitySet(rawValue: 1 << UInt64(Capabilities.names.count) - 1)
}

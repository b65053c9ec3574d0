import Glibc
import Linux

/// Capabilities of the kernel (capabilities(7)): a bit for each, by its number in linux/capability.h.
public struct CapabilitySet: OptionSet, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The capability of a name such as `CAP_CHOWN`; nil where Linux has none of that name.
    public init?(named name: String) {
        guard let number = Capabilities.number(name) else { return nil }
        rawValue = 1 << UInt64(number)
    }

    /// Every one that has a name.
    public static let all = CapabilitySet(rawValue: 1 << UInt64(Capabilities.names.count) - 1)

    /// By number.
    public var names: [String] {
        Capabilities.names.indices.filter { rawValue & 1 << UInt64($0) != 0 }.map { Capabilities.names[$0] }
    }

    /// What this process may have and so can give (`CapPrm`, proc_pid_status(5)).
    public static var permitted: CapabilitySet {
        let text = (try? FileDescriptor.open("/proc/self/status", O_RDONLY).readAll()) ?? nil
        let line = String(decoding: text ?? [], as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("CapPrm:") }
        return CapabilitySet(rawValue: line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0)
    }
}

import Reconciler

/// One copy of a service, as people write it: `web-1`.
struct InstanceName: Hashable, Sendable, Comparable, CustomStringConvertible {
    let service: String
    /// Counted from 1.
    let index: Int

    var description: String { "\(service)-\(index)" }

    static func < (left: InstanceName, right: InstanceName) -> Bool {
        (left.service, left.index) < (right.service, right.index)
    }

    /// Whether it can name a file: what comes over the control socket ends up in paths.
    var isValid: Bool { Self.isValid(service: service) && (1...100_000).contains(index) }

    /// Compose's own rule for a service's name; a one-off's digits may follow.
    static func isValid(service: String) -> Bool {
        let service = OneOff.service(ofKey: service) ?? service
        let bytes = service.utf8
        guard (1...200).contains(bytes.count), bytes.first != UInt8(ascii: "."), bytes.first != UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
    }
}

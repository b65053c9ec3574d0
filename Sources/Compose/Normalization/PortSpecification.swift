/// The short form of a port: `[HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL]`, each port possibly a range.
///
/// Source: the Compose specification, "ports", short syntax.
enum PortSpecification {
    struct Port: Equatable {
        var hostIP = ""
        var target: Int
        /// A port, a range, or empty.
        var published = ""
        var protocolName = "tcp"
    }

    struct Problem: Error {
        let reason: String
    }

    static func parse(_ text: String) throws(Problem) -> [Port] {
        let (addresses, protocolPart) = Text.cut(text, at: UInt8(ascii: "/"))
        let name = (protocolPart ?? "tcp").lowercased()
        guard ["tcp", "udp", "sctp"].contains(name) else { throw Problem(reason: "invalid protocol '\(name)'") }
        let parts = split(addresses)
        guard let target = range(parts.target) else { throw Problem(reason: "invalid container port '\(parts.target)'") }
        if !parts.host.isEmpty, !isAddress(parts.host) { throw Problem(reason: "invalid ip address '\(parts.host)'") }
        guard !parts.published.isEmpty else {
            return sorted(target.map { Port(hostIP: parts.host, target: $0, protocolName: name) })
        }
        guard let published = range(parts.published) else {
            throw Problem(reason: "invalid host port '\(parts.published)'")
        }
        if published.count == target.count {
            return sorted(zip(target, published).map {
                Port(hostIP: parts.host, target: $0, published: String($1), protocolName: name)
            })
        }
        // A range for one port lets the engine choose.
        guard target.count == 1, let only = target.first else {
            throw Problem(reason: "the ranges '\(parts.published)' and '\(parts.target)' differ in length")
        }
        return [Port(hostIP: parts.host, target: only, published: parts.published, protocolName: name)]
    }

    /// Compose sorts the ports of a range as texts.
    private static func sorted(_ ports: [Port]) -> [Port] {
        ports.count > 1 ? ports.sorted { String($0.target).utf8.lexicographicallyPrecedes(String($1.target).utf8) } : ports
    }

    private static func split(_ text: String) -> (host: String, published: String, target: String) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let target = parts.popLast() ?? ""
        let published = parts.popLast() ?? ""
        var host = parts.joined(separator: ":")
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host, published, target)
    }

    private static func range(_ text: String) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = ends.first.flatMap({ UInt16($0) }) else { return nil }
        guard let last = ends.count == 2 ? UInt16(ends[1]) : first, last >= first else { return nil }
        return Int(first)...Int(last)
    }

    /// Whether a text looks like an IPv4 or IPv6 address.
    static func isAddress(_ text: String) -> Bool {
        if text.utf8.contains(UInt8(ascii: ":")) {
            return text.utf8.allSatisfy { byte in
                byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "%")
                    || (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
            }
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// What makes an instance a one-off: `run` has started it beside those that the files ask for.
///
/// It has a launch plan, a tmpfs and a log of its own, under a name that no service can have. So it is counted as nobody's copy.
public struct OneOff: Codable, Sendable, Equatable {
    /// Whose surroundings and grants it has.
    public var service: String
    /// As people see it: `shop-web-run-1a2b3c4d5e6f`, or the one that it was given.
    public var name: String
    /// Whether nothing is kept of it once it has ended.
    public var isRemovedAtEnd: Bool
    /// nil: none.
    public var labels: [String: String]?

    public init(service: String, name: String, isRemovedAtEnd: Bool, labels: [String: String]? = nil) {
        self.service = service
        self.name = name
        self.isRemovedAtEnd = isRemovedAtEnd
        self.labels = labels
    }

    /// How many hexadecimal digits tell one from the others.
    public static let slugLength = 12

    /// What takes the service's name's place for a one-off. No service's name has a tilde.
    ///
    /// - Parameter slug: its own digits.
    public static func key(service: String, slug: String) -> String { "\(service)~\(slug)" }

    /// The service that a key belongs to; nil where it is no one-off's.
    public static func service(ofKey key: String) -> String? {
        let bytes = key.utf8
        guard let tilde = bytes.lastIndex(of: UInt8(ascii: "~")) else { return nil }
        let slug = bytes[bytes.index(after: tilde)...]
        let isHexadecimal = slug.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
        return slug.count == slugLength && isHexadecimal ? String(key[..<tilde]) : nil
    }
}

extension ObservedState {
    /// The services' own instances.
    public var replicas: [ObservedInstance] { instances.filter { $0.oneOff == nil } }

    public var oneOffs: [ObservedInstance] { instances.filter { $0.oneOff != nil } }
}

extension ObservedInstance {
    /// The service that it is an instance of, or that it has its surroundings from.
    public var ownService: String { oneOff?.service ?? service }

    /// `shop-web-1`; a one-off's own name.
    public func name(in project: String) -> String { oneOff?.name ?? "\(project)-\(service)-\(index)" }
}

import YAML

/// Where a service's attributes are written. What a service is does not depend on it: all are equal.
public struct AttributePlaces: Sendable, Equatable {
    private let node: Node?

    /// Of a service that is in no file.
    public init() { node = nil }

    init(_ node: Node) { self.node = node }

    public static func == (one: AttributePlaces, other: AttributePlaces) -> Bool { true }

    /// - Parameter path: of an attribute, behind the service's own: `blkio_config.device_read_bps`.
    /// - Returns: the place of its value, or of what it would be a part of; nil where there is neither.
    public func location(of path: String) -> SourceLocation? {
        var found: Node?
        var next = node
        for name in path.split(separator: ".") {
            next = next?[String(name)]
            guard let next else { break }
            found = next
        }
        return found?.location
    }
}

extension Service {
    /// Where an attribute has its value; where the service begins for one that it hasn't.
    public func location(of attribute: String) -> SourceLocation? { places.location(of: attribute) ?? location }
}

import YAML

/// Where a service's attributes are written. What a service is does not depend on it: all are equal.
public struct AttributePlaces: Sendable, Equatable {
    private let node: Node?

    /// Of a service that is in no file.
    public init() { node = nil }

    init(_ node: Node) { self.node = node }

    public static func == (one: AttributePlaces, other: AttributePlaces) -> Bool { true }

    /// - Parameter path: of an attribute, behind the service's own, as diagnostics have it: `blkio_config.device_read_bps`, `volumes[0]`,
    ///   `sysctls.kernel.msgmax`.
    /// - Returns: the place of its value, or of what it would be a part of; nil where there is neither.
    public func location(of path: String) -> SourceLocation? { steps(to: path).last?.location }

    /// The attribute by the name that the file has it under, where there are two for the same: what `deploy` says goes before what the service says.
    public func name(of attribute: String) -> String {
        guard let other = Self.deployed[attribute], let value = node?.value(at: other), !value.isNull else { return attribute }
        return other
    }

    /// The path of an item of a list, `group_add[1]`; of the list where it has none that is meant.
    public func item(of list: String, where isMeant: (Node) -> Bool) -> String {
        guard let index = node?.value(at: list)?.sequence?.firstIndex(where: isMeant) else { return list }
        return "\(list)[\(index)]"
    }

    private static let deployed = [
        "cpus": "deploy.resources.limits.cpus", "mem_limit": "deploy.resources.limits.memory", "pids_limit": "deploy.resources.limits.pids",
        "mem_reservation": "deploy.resources.reservations.memory",
    ]

    /// The values on the way, as far as they are there.
    private func steps(to path: String) -> [Node] {
        var found: [Node] = []
        var rest = path[...]
        var next = node
        while let node = next, !rest.isEmpty {
            next = node.step(&rest)
            found += next.map { [$0] } ?? []
        }
        return found
    }
}

extension Node {
    fileprivate func value(at path: String) -> Node? {
        path.split(separator: ".").reduce(self) { $0?[String($1)] }
    }

    /// The value of the first name of a path, or at its first index, which is taken off the path. A name may hold dots: the longest one that
    /// is there is meant.
    fileprivate func step(_ path: inout Substring) -> Node? {
        if path.first == "[", let end = path.firstIndex(of: "]") {
            guard let index = Int(path[path.index(after: path.startIndex)..<end]), let items = sequence, items.indices.contains(index) else { return nil }
            path = path[path.index(after: end)...].trimmingDot()
            return items[index]
        }
        let ends = path.indices.filter { path[$0] == "." || path[$0] == "[" } + [path.endIndex]
        for end in ends.reversed() {
            guard let value = self[String(path[..<end])] else { continue }
            path = path[end...].trimmingDot()
            return value
        }
        return nil
    }
}

extension Substring {
    fileprivate func trimmingDot() -> Substring { first == "." ? dropFirst() : self }
}

extension Service {
    /// Where an attribute has its value; where the service begins for one that it hasn't.
    public func location(of attribute: String) -> SourceLocation? { places.location(of: attribute) ?? location }
}

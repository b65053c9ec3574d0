/// What a store held at one moment: names, versions and fingerprints, no value.
public struct StoreSnapshot: Sendable {
    let index: Index

    /// The secret of that name.
    public func secret(_ name: String) -> SecretMetadata? {
        index.secret(name)
    }

    /// All secrets in the order of their names, or those whose names start with a prefix.
    public func secrets(withPrefix prefix: String = "") -> [SecretMetadata] {
        let positions = index.positions(of: .secrets)
        var result: [SecretMetadata] = []
        // The names are in order, so those with the prefix follow each other.
        for position in index.search(prefix, in: .secrets).position..<positions.upperBound {
            guard let secret = index.secret(at: position), secret.name.utf8.starts(with: prefix.utf8) else { break }
            result.append(secret)
        }
        return result
    }

    /// The secret whose id starts with `prefix`; nil where there is none, or more than one.
    public func secret(id prefix: String) -> SecretMetadata? {
        let matches = secrets(idPrefix: prefix)
        return matches.count == 1 ? matches[0] : nil
    }

    /// Every secret whose id starts with `prefix`, which must not be empty.
    public func secrets(idPrefix prefix: String) -> [SecretMetadata] {
        guard let range = Identifier.range(base36Prefix: prefix) else { return [] }
        return index.secrets(in: range)
    }

    /// How many secrets there are.
    public var secretCount: Int { index.secretCount }

    /// The names of the stacks that have a record, in order.
    public var stackNames: [String] { index.stackNames }
}

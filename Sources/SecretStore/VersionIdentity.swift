import JSON

/// Names one version of a secret for ever, through every rekey. Its number does not: a restored store uses the numbers again that were
/// given after the backup was made.
///
/// It is the first half of the id of the version's object, so every store has one for each version that it ever made.
public struct VersionIdentity: Hashable, Sendable {
    let value: UInt64

    init(_ value: UInt64) {
        self.value = value
    }

    /// One that no version has.
    public static func random() -> VersionIdentity { Identifier.random().versionIdentity }
}

extension VersionIdentity: CustomStringConvertible {
    /// 16 characters of hexadecimal.
    public var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// Reads what ``description`` wrote, and nothing else.
    public init?(_ text: String) {
        guard text.utf8.count == 16, text.utf8.allSatisfy(isLowercaseHexadecimal), let value = UInt64(text, radix: 16) else { return nil }
        self.init(value)
    }
}

extension VersionIdentity: JSONConvertible {
    /// - Throws: where it is no text that ``description`` wrote.
    public init(json: JSONValue) throws {
        guard let identity = VersionIdentity(try String(json: json)) else { throw JSONMembers.mismatch("the identity of a version") }
        self = identity
    }

    public var json: JSONValue { .string(description) }
}

extension Identifier {
    /// Of the version whose value the object of this name holds.
    var versionIdentity: VersionIdentity { VersionIdentity(UInt64(value >> 64)) }

    /// A new name for an object that holds the value of a version.
    static func random(of version: VersionIdentity) -> Identifier {
        Identifier(UInt128(version.value) << 64 | Identifier.random().value & UInt128(UInt64.max))
    }
}

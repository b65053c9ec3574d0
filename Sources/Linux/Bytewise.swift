import Glibc

/// A text, or texts, equal to others only where all their bytes are: as file names are compared, and what is hashed.
///
/// For `String` itself a letter with an accent equals that letter followed by the accent; for a filesystem, and for a
/// process that reads its environment, these are two names (Unicode Standard Annex #15).
@propertyWrapper
public struct Bytewise<Value> {
    public var wrappedValue: Value

    @inlinable
    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    @inlinable
    public init(_ value: Value) {
        wrappedValue = value
    }
}

// Here, and not where the type is: what it asks for there is looked up among all types of the program whenever a type is first used
// that has one.
extension Bytewise: Equatable where Value: BytewiseComparable {
    @inlinable
    public static func == (left: Bytewise, right: Bytewise) -> Bool {
        left.wrappedValue.hasSameBytes(as: right.wrappedValue)
    }
}

extension Bytewise: Hashable where Value: BytewiseComparable {
    @inlinable
    public func hash(into hasher: inout Hasher) {
        wrappedValue.hashBytes(into: &hasher)
    }
}

extension Bytewise: Sendable where Value: Sendable {}

extension Bytewise: Codable where Value: Codable {
    public init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode(Value.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension Sequence<String> {
    /// Each text once, where it comes first; two are the same where all their bytes are.
    @inlinable
    public func withoutRepeats() -> [String] {
        var seen: Set<Bytewise<String>> = []
        return filter { seen.insert(Bytewise($0)).inserted }
    }
}

// Synthesized coding finds these first. The general way, through a container for each text, costs more than all else
// that a command with nothing to do does.
extension KeyedDecodingContainer {
    public func decode(_: Bytewise<String>.Type, forKey key: Key) throws -> Bytewise<String> {
        Bytewise(try decode(String.self, forKey: key))
    }

    public func decode(_: Bytewise<[String]>.Type, forKey key: Key) throws -> Bytewise<[String]> {
        Bytewise(try decode([String].self, forKey: key))
    }
}

extension KeyedEncodingContainer {
    public mutating func encode(_ value: Bytewise<String>, forKey key: Key) throws {
        try encode(value.wrappedValue, forKey: key)
    }

    public mutating func encode(_ value: Bytewise<[String]>, forKey key: Key) throws {
        try encode(value.wrappedValue, forKey: key)
    }
}

/// What ``Bytewise`` compares.
public protocol BytewiseComparable {
    func hasSameBytes(as other: Self) -> Bool
    func hashBytes(into hasher: inout Hasher)
}

extension String: BytewiseComparable {
    public func hasSameBytes(as other: String) -> Bool {
        let same = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                left.count == right.count && (left.count == 0 || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0)
            }
        }
        return (same ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    public func hashBytes(into hasher: inout Hasher) {
        var copy = self
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // What follows must not run into it.
        hasher.combine(0xFF as UInt8)
    }
}

extension Optional: BytewiseComparable where Wrapped: BytewiseComparable {
    @inlinable
    public func hasSameBytes(as other: Wrapped?) -> Bool {
        switch (self, other) {
        case (let left?, let right?): left.hasSameBytes(as: right)
        case (nil, nil): true
        default: false
        }
    }

    public func hashBytes(into hasher: inout Hasher) {
        hasher.combine(self != nil)
        self?.hashBytes(into: &hasher)
    }
}

extension Array: BytewiseComparable where Element: BytewiseComparable {
    @inlinable
    public func hasSameBytes(as other: [Element]) -> Bool {
        guard count == other.count else { return false }
        // Most often one is a copy of the other.
        if withUnsafeBufferPointer({ own in other.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress } }) { return true }
        for index in 0..<count where !self[index].hasSameBytes(as: other[index]) { return false }
        return true
    }

    public func hashBytes(into hasher: inout Hasher) {
        hasher.combine(count)
        for element in self { element.hashBytes(into: &hasher) }
    }
}

extension Dictionary: BytewiseComparable where Key == String, Value: BytewiseComparable {
    @inlinable
    public func hasSameBytes(as other: [String: Value]) -> Bool {
        guard count == other.count else { return false }
        for (key, value) in self {
            guard let index = other.index(forKey: key), other[index].key.hasSameBytes(as: key), other[index].value.hasSameBytes(as: value)
            else { return false }
        }
        return true
    }

    public func hashBytes(into hasher: inout Hasher) {
        // Its order is nobody's.
        hasher.combine(count)
    }
}

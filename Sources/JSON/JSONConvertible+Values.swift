// What the standard library has of the types that are written and read at each command.

extension String: JSONConvertible {
    @inlinable
    public init(json: JSONValue) throws {
        guard case .string(let text) = json else { throw JSONMembers.mismatch("a string") }
        self = text
    }

    @inlinable public var json: JSONValue { .string(self) }
}

extension Bool: JSONConvertible {
    @inlinable
    public init(json: JSONValue) throws {
        guard case .bool(let flag) = json else { throw JSONMembers.mismatch("a boolean") }
        self = flag
    }

    @inlinable public var json: JSONValue { .bool(self) }
}

extension FixedWidthInteger {
    fileprivate init(whole json: JSONValue) throws {
        guard let number = json.wholeNumber(as: Self.self) else { throw JSONMembers.mismatch("a whole number of its range") }
        self = number
    }
}

extension Int: JSONConvertible {
    public init(json: JSONValue) throws { try self.init(whole: json) }
    public var json: JSONValue { .integer(Int64(self)) }
}

extension Int32: JSONConvertible {
    public init(json: JSONValue) throws { try self.init(whole: json) }
    public var json: JSONValue { .integer(Int64(self)) }
}

extension UInt32: JSONConvertible {
    public init(json: JSONValue) throws { try self.init(whole: json) }
    public var json: JSONValue { .integer(Int64(self)) }
}

extension Int64: JSONConvertible {
    public init(json: JSONValue) throws { try self.init(whole: json) }
    public var json: JSONValue { .integer(self) }
}

extension UInt64: JSONConvertible {
    public init(json: JSONValue) throws { try self.init(whole: json) }
    public var json: JSONValue { JSONValue(self) }
}

extension Array: JSONConvertible where Element: JSONConvertible {
    @inlinable
    public init(json: JSONValue) throws {
        guard case .array(let elements) = json else { throw JSONMembers.mismatch("an array") }
        self.init()
        reserveCapacity(elements.count)
        for element in elements {
            do {
                append(try Element(json: element))
            } catch let error as DecodingError {
                throw error.below(element: count)
            }
        }
    }

    @inlinable public var json: JSONValue { .array(map(\.json)) }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
    /// The first member of a name counts.
    @inlinable
    public init(json: JSONValue) throws {
        guard case .object(let members) = json else { throw JSONMembers.mismatch("an object") }
        self.init(minimumCapacity: members.count)
        for member in members where self[member.name] == nil { self[member.name] = try Value(json: member.value) }
    }

    /// Sorted: a dictionary has no order of its own, and equal ones give equal texts.
    @inlinable public var json: JSONValue {
        .object(map { JSONValue.Member($0.key, $0.value.json) }.sorted { $0.name < $1.name })
    }
}

/// An enumeration of texts is its text.
extension JSONConvertible where Self: RawRepresentable, RawValue == String {
    @inlinable
    public init(json: JSONValue) throws {
        guard case .string(let text) = json, let value = Self(rawValue: text) else { throw JSONMembers.mismatch("one of its texts") }
        self = value
    }

    @inlinable public var json: JSONValue { .string(rawValue) }

    // The standard library has others for all that are enumerations of texts.
    public init(from decoder: any Decoder) throws { try self.init(json: try JSONValue(from: decoder)) }
    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

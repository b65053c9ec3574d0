/// A type that says itself how it is written and read as JSON, for what is read at each command.
///
/// The compiler's `Codable` has the same form and costs several times as much: each type's keys are looked up among all types of the
/// program, and each member goes through containers that are known at run time only. Where a type is read once in a while, it does.
public protocol JSONConvertible: Codable {
    /// - Throws: `DecodingError` where the document is not one that ``json`` gave.
    init(json: JSONValue) throws
    var json: JSONValue { get }
}

extension JSONConvertible {
    // For parents that are `Codable` by the compiler.
    public init(from decoder: any Decoder) throws { try self.init(json: try JSONValue(from: decoder)) }
    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

/// The members of an object, on their way into a value.
///
/// They are quickest read in the order in which they were written, those that may be missing last; each is read once.
public struct JSONMembers {
    @usableFromInline let members: [JSONValue.Member]
    @usableFromInline var next = 0
    /// How many were not asked for yet.
    @usableFromInline var left: Int

    /// - Throws: where it is no object.
    public init(_ value: JSONValue) throws {
        guard case .object(let members) = value else { throw JSONMembers.mismatch("an object") }
        self.members = members
        left = members.count
    }

    /// A member's value; nil where there is none of that name, or where it is null.
    @inlinable
    public mutating func value(_ name: String) -> JSONValue? {
        guard left > 0 else { return nil }
        let found = next < members.count && members[next].name == name ? next : members.firstIndex { $0.name == name }
        guard let found else { return nil }
        next = found + 1
        left -= 1
        let value = members[found].value
        // A document is written as nil, too: that would be null.
        return value.isNull ? Optional.none : value
    }

    @inlinable
    public mutating func read<Value: JSONConvertible>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        guard let value = value(name) else { throw JSONMembers.missing(name) }
        return try JSONMembers.below(name) { try Value(json: value) }
    }

    @inlinable
    public mutating func readIfPresent<Value: JSONConvertible>(_ name: String, as type: Value.Type = Value.self) throws -> Value? {
        try value(name).map { value in try JSONMembers.below(name) { try Value(json: value) } }
    }

    /// A member whose type is `Codable` by the compiler.
    @inlinable
    public mutating func decodeIfPresent<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value? {
        try value(name).map { value in try JSONMembers.below(name) { try JSON.decode(type, from: value) } }
    }

    /// A member whose type is `Codable` by the compiler.
    @inlinable
    public mutating func decode<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        guard let value = value(name) else { throw JSONMembers.missing(name) }
        return try JSONMembers.below(name) { try JSON.decode(type, from: value) }
    }

    /// Has an error say that it is of a member, wherever within.
    @usableFromInline
    static func below<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DecodingError {
            throw error.below(.name(name))
        }
    }

    @usableFromInline
    static func missing(_ name: String) -> DecodingError {
        .keyNotFound(AnyKey.name(name), .init(codingPath: [], debugDescription: "the object has no member '\(name)'"))
    }

    /// What is there is never quoted: it may be secret.
    public static func mismatch(_ wanted: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "it is not \(wanted)"))
    }
}

extension DecodingError {
    /// The same of an array's element.
    @usableFromInline
    func below(element index: Int) -> DecodingError { below(.index(index)) }

    /// The same of a part of something larger.
    fileprivate func below(_ key: AnyKey) -> DecodingError {
        func below(_ context: Context) -> Context {
            Context(codingPath: [key] + context.codingPath, debugDescription: context.debugDescription, underlyingError: context.underlyingError)
        }
        return switch self {
        case .typeMismatch(let type, let context): .typeMismatch(type, below(context))
        case .valueNotFound(let type, let context): .valueNotFound(type, below(context))
        case .keyNotFound(let missing, let context): .keyNotFound(missing, below(context))
        case .dataCorrupted(let context): .dataCorrupted(below(context))
        @unknown default: self
        }
    }
}

extension JSONValue {
    /// An object of those members that are there.
    @inlinable
    public static func members(_ build: (inout JSONMemberList) -> Void) -> JSONValue {
        var list = JSONMemberList()
        build(&list)
        return .object(list.members)
    }
}

/// Members of an object that is being written, in their order.
public struct JSONMemberList {
    @usableFromInline var members: [JSONValue.Member] = []

    @inlinable init() {}

    @inlinable
    public mutating func put(_ name: String, _ value: JSONValue) { members.append(JSONValue.Member(name, value)) }

    /// nil is left out.
    @inlinable
    public mutating func put<Value: JSONConvertible>(_ name: String, _ value: Value?) {
        if let value { put(name, value.json) }
    }

    /// A member whose type is `Codable` by the compiler, and has no floating-point number, which alone could fail; nil is left out.
    public mutating func encode(_ name: String, _ value: (some Encodable)?) {
        guard let value else { return }
        do {
            put(name, try JSON.encodeValue(value))
        } catch {
            preconditionFailure("\(name) cannot be put in JSON: \(error)")
        }
    }
}

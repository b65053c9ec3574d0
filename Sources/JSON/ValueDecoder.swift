/// The standard library's `Decoder` over ``JSONValue``.
struct ValueDecoder: Decoder {
    let value: JSONValue
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try Self.decode(type, from: value, at: path)
    }

    /// The Swift value for a document: directly for what JSON knows, otherwise through the type's own `init(from:)`.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from value: JSONValue, at path: @autoclosure () -> CodingPath
    ) throws -> Value {
        @inline(__always) func whole<Number: FixedWidthInteger>(_ number: Number.Type) throws -> Value {
            guard let result = value.wholeNumber(as: number) else { throw mismatch(number, value, at: path()) }
            return result as! Value
        }
        if type == String.self {
            guard case .string(let text) = value else { throw mismatch(type, value, at: path()) }
            return text as! Value
        }
        if type == Bool.self {
            guard case .bool(let flag) = value else { throw mismatch(type, value, at: path()) }
            return flag as! Value
        }
        if type == Int.self { return try whole(Int.self) }
        if type == Int32.self { return try whole(Int32.self) }
        if type == UInt32.self { return try whole(UInt32.self) }
        if type == Int64.self { return try whole(Int64.self) }
        if type == UInt64.self { return try whole(UInt64.self) }
        if type == UInt.self { return try whole(UInt.self) }
        if type == UInt8.self { return try whole(UInt8.self) }
        if type == Int8.self { return try whole(Int8.self) }
        if type == Int16.self { return try whole(Int16.self) }
        if type == UInt16.self { return try whole(UInt16.self) }
        if type == Int128.self { return try whole(Int128.self) }
        if type == UInt128.self { return try whole(UInt128.self) }
        if type == Double.self || type == Float.self {
            guard let number = value.doubleValue else { throw mismatch(type, value, at: path()) }
            return type == Double.self ? number as! Value : Float(number) as! Value
        }
        if type == [String].self, let strings = strings(value) { return strings as! Value }
        if type == [String: String].self, let texts = texts(value) { return texts as! Value }
        if type == JSONValue.self { return value as! Value }
        return try Value(from: ValueDecoder(value: value, path: path()))
    }

    /// nil where it is anything but an array of strings; the general way then finds out which element is wrong.
    private static func strings(_ value: JSONValue) -> [String]? {
        guard case .array(let elements) = value else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(elements.count)
        for element in elements {
            guard case .string(let text) = element else { return nil }
            strings.append(text)
        }
        return strings
    }

    /// The same of an object.
    private static func texts(_ value: JSONValue) -> [String: String]? {
        guard case .object(let members) = value else { return nil }
        var texts: [String: String] = [:]
        texts.reserveCapacity(members.count)
        for member in members {
            guard case .string(let text) = member.value else { return nil }
            // As when a member is looked for, the first of a name counts.
            if texts[member.name] == nil { texts[member.name] = text }
        }
        return texts
    }

    // The value itself is never quoted: what is being decoded may be secret.
    static func mismatch(_ type: Any.Type, _ value: JSONValue, at path: CodingPath) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: path.keys, debugDescription: "\(type) cannot be read from \(value.kind)")
        return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = value else {
            throw Self.mismatch([String: JSONValue].self, value, at: path)
        }
        return KeyedDecodingContainer(KeyedValueDecoder(members: members, path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = value else { throw Self.mismatch([JSONValue].self, value, at: path) }
        return UnkeyedValueDecoder(elements: elements, path: path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        SingleValueDecoder(decoder: self)
    }
}

extension JSONValue {
    /// For messages.
    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .unsigned, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

private struct KeyedValueDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: [JSONValue.Member]
    /// Where each name is, in an object with so many members that looking at each would be slow.
    let index: [String: Int]?
    let path: CodingPath

    init(members: [JSONValue.Member], path: CodingPath) {
        self.members = members
        self.path = path
        index = members.count <= 32
            ? nil : Dictionary(members.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    var codingPath: [any CodingKey] { path.keys }
    var allKeys: [Key] { members.compactMap { Key(stringValue: $0.name) } }

    private func find(_ key: any CodingKey) -> JSONValue? {
        let name = key.stringValue
        if let index { return index[name].map { members[$0].value } }
        for member in members where member.name == name { return member.value }
        return nil
    }

    private func value(_ key: any CodingKey) throws -> JSONValue {
        if let value = find(key) { return value }
        throw DecodingError.keyNotFound(
            key, .init(codingPath: path.keys, debugDescription: "the object has no member '\(key.stringValue)'"))
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try value(key).isNull }

    // One generic method is the witness of the protocol's requirements for every type.
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try ValueDecoder.decode(type, from: try value(key), at: path.appending(key))
    }

    // The standard library's own way looks for the member three times.
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let value = find(key), !value.isNull else { return nil }
        return try ValueDecoder.decode(type, from: value, at: path.appending(key))
    }

    private func nested(_ key: any CodingKey) throws -> ValueDecoder {
        ValueDecoder(value: try value(key), path: path.appending(key))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try nested(AnyKey.super) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try nested(key) }
}

private struct UnkeyedValueDecoder: UnkeyedDecodingContainer {
    let elements: [JSONValue]
    let path: CodingPath
    var currentIndex = 0

    init(elements: [JSONValue], path: CodingPath) {
        self.elements = elements
        self.path = path
    }

    var codingPath: [any CodingKey] { path.keys }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }
    private var here: CodingPath { path.appending(AnyKey.index(currentIndex)) }

    private func current(_ type: Any.Type) throws -> JSONValue {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: here.keys, debugDescription: "the array has no more elements"))
        }
        return elements[currentIndex]
    }

    mutating func decodeNil() throws -> Bool {
        guard try current(Never.self).isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try ValueDecoder.decode(type, from: try current(type), at: here)
        currentIndex += 1
        return value
    }

    private mutating func nested() throws -> ValueDecoder {
        let decoder = ValueDecoder(value: try current(JSONValue.self), path: here)
        currentIndex += 1
        return decoder
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try nested().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try nested() }
}

private struct SingleValueDecoder: SingleValueDecodingContainer {
    let decoder: ValueDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    func decodeNil() -> Bool { decoder.value.isNull }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}

/// The standard library's `Encoder` over ``JSONValue``.
struct ValueEncoder: Encoder {
    let box: EncodingBox
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// The document for a value: directly for what JSON knows, otherwise through the value's own `encode(to:)`.
    static func encode<Value: Encodable>(_ value: Value, at path: @autoclosure () -> CodingPath) throws -> JSONValue {
        if let leaf = try leaf(value, at: path()) { return leaf }
        let box = EncodingBox(isSorted: Value.self is any Unordered.Type)
        try value.encode(to: ValueEncoder(box: box, path: path()))
        return box.value
    }

    // Comparing types is much cheaper than a cast that may fail, and disappears where the type is known.
    @inline(__always)
    private static func leaf<Value>(_ value: Value, at path: @autoclosure () -> CodingPath) throws -> JSONValue? {
        if Value.self == String.self { return .string(value as! String) }
        if Value.self == Bool.self { return .bool(value as! Bool) }
        if Value.self == Int.self { return .integer(Int64(value as! Int)) }
        if Value.self == Int32.self { return .integer(Int64(value as! Int32)) }
        if Value.self == UInt32.self { return .integer(Int64(value as! UInt32)) }
        if Value.self == Int64.self { return .integer(value as! Int64) }
        if Value.self == UInt64.self { return JSONValue(value as! UInt64) }
        if Value.self == UInt.self { return JSONValue(UInt64(value as! UInt)) }
        if Value.self == UInt8.self { return .integer(Int64(value as! UInt8)) }
        if Value.self == Int8.self { return .integer(Int64(value as! Int8)) }
        if Value.self == Int16.self { return .integer(Int64(value as! Int16)) }
        if Value.self == UInt16.self { return .integer(Int64(value as! UInt16)) }
        if Value.self == [String].self { return .array((value as! [String]).map(JSONValue.string)) }
        if Value.self == JSONValue.self { return (value as! JSONValue) }
        if Value.self == Double.self { return try finite(value as! Double, at: path()) }
        if Value.self == Float.self { return try finite(Double(value as! Float), at: path()) }
        if Value.self == Int128.self { return try whole(value as! Int128, at: path()) }
        if Value.self == UInt128.self { return try whole(value as! UInt128, at: path()) }
        return nil
    }

    private static func finite(_ value: Double, at path: CodingPath) throws -> JSONValue {
        guard value.isFinite else { throw outOfRange(value, at: path) }
        return .number(value)
    }

    private static func whole<Number: FixedWidthInteger>(_ value: Number, at path: CodingPath) throws -> JSONValue {
        if let value = Int64(exactly: value) { return .integer(value) }
        guard let value = UInt64(exactly: value) else { throw outOfRange(value, at: path) }
        return JSONValue(value)
    }

    private static func outOfRange(_ value: Any, at path: CodingPath) -> EncodingError {
        .invalidValue(value, .init(codingPath: path.keys, debugDescription: "the number has no JSON form"))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedValueEncoder(box: box.asObject(), path: path))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedValueEncoder(box: box.asArray(), path: path)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueEncoder(box: box, path: path)
    }
}

/// A dictionary has no order of its own; with its members sorted, equal dictionaries give equal texts.
private protocol Unordered {}
extension Dictionary: Unordered {}

/// A value while it is being put together: containers may be filled in any order until the end.
final class EncodingBox {
    private enum Kind { case single, array, object }
    enum Slot {
        case value(JSONValue)
        case box(EncodingBox)

        var value: JSONValue {
            switch self {
            case .value(let value): value
            case .box(let box): box.value
            }
        }
    }

    private var kind = Kind.object
    private var names: [String] = []
    private(set) var slots: [Slot] = []
    private let isSorted: Bool

    init(isSorted: Bool = false) {
        self.isSorted = isSorted
    }

    func asObject() -> EncodingBox {
        become(.object)
        return self
    }

    func asArray() -> EncodingBox {
        become(.array)
        return self
    }

    func set(_ value: JSONValue) {
        become(.single)
        slots = [.value(value)]
    }

    func append(_ slot: Slot, named name: String) {
        names.append(name)
        slots.append(slot)
    }

    func append(_ slot: Slot) {
        slots.append(slot)
    }

    private func become(_ kind: Kind) {
        guard self.kind != kind else { return }
        self.kind = kind
        names = []
        slots = []
    }

    var value: JSONValue {
        switch kind {
        case .single: return slots.first?.value ?? .null
        case .array: return .array(slots.map(\.value))
        case .object:
            var members: [JSONValue.Member] = []
            members.reserveCapacity(slots.count)
            for (name, slot) in zip(names, slots) { members.append(JSONValue.Member(name, slot.value)) }
            if isSorted { members.sort { $0.name < $1.name } }
            return .object(members)
        }
    }
}

private struct KeyedValueEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: EncodingBox
    let path: CodingPath
    var codingPath: [any CodingKey] { path.keys }

    func encodeNil(forKey key: Key) throws {
        box.append(.value(.null), named: key.stringValue)
    }

    // One generic method is the witness of the protocol's requirements for every type.
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        box.append(.value(try ValueEncoder.encode(value, at: path.appending(key))), named: key.stringValue)
    }

    private func nested(_ key: any CodingKey) -> ValueEncoder {
        let child = EncodingBox()
        box.append(.box(child), named: key.stringValue)
        return ValueEncoder(box: child, path: path.appending(key))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { nested(AnyKey.super) }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }
}

private struct UnkeyedValueEncoder: UnkeyedEncodingContainer {
    let box: EncodingBox
    let path: CodingPath
    var codingPath: [any CodingKey] { path.keys }
    var count: Int { box.slots.count }

    func encodeNil() throws {
        box.append(.value(.null))
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        box.append(.value(try ValueEncoder.encode(value, at: path.appending(AnyKey.index(count)))))
    }

    private func nested() -> ValueEncoder {
        let child = EncodingBox()
        let encoder = ValueEncoder(box: child, path: path.appending(AnyKey.index(count)))
        box.append(.box(child))
        return encoder
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    func superEncoder() -> any Encoder { nested() }
}

private struct SingleValueEncoder: SingleValueEncodingContainer {
    let box: EncodingBox
    let path: CodingPath
    var codingPath: [any CodingKey] { path.keys }

    func encodeNil() throws {
        box.set(.null)
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        box.set(try ValueEncoder.encode(value, at: path))
    }
}

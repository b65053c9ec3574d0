/// Swift values as JSON, by way of `Codable`.
///
/// Keys are written as they are; an optional that is nil is left out; an enum with payloads takes the form
/// that the compiler's `Codable` gives it. A `UInt64` keeps all its bits.
public enum JSON {
    /// The value as a compact JSON text in UTF-8.
    /// - Throws: `EncodingError` for a number that JSON cannot say (not finite), and what the value itself throws.
    public static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try encodeValue(value).serialize(into: &bytes, pretty: pretty)
        return bytes
    }

    /// The same for a value that says itself how it is written.
    public static func encode(_ value: some JSONConvertible) -> [UInt8] {
        var bytes: [UInt8] = []
        value.json.serialize(into: &bytes)
        return bytes
    }

    /// The value as a JSON document.
    /// - Throws: as ``encode(_:pretty:)``.
    public static func encodeValue(_ value: some Encodable) throws -> JSONValue {
        try ValueEncoder.encode(value, at: CodingPath())
    }

    /// Reads a value from a JSON text.
    /// - Throws: `JSONError` where the text is no JSON, `DecodingError` where it is not what `type` needs.
    public static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        try decode(type, from: try JSONValue.parse(bytes))
    }

    /// Reads a value from a JSON document.
    /// - Throws: `DecodingError` where it is not what `type` needs.
    public static func decode<T: Decodable>(_ type: T.Type, from value: JSONValue) throws -> T {
        try ValueDecoder(value: value, path: CodingPath()).decode(type)
    }
}

/// The way to a value, kept as a chain so that going down costs one small allocation, and the array that
/// the protocols ask for is made only for an error.
struct CodingPath {
    private final class Step {
        let key: any CodingKey
        let parent: Step?
        init(key: any CodingKey, parent: Step?) {
            self.key = key
            self.parent = parent
        }
    }

    private var last: Step?

    func appending(_ key: any CodingKey) -> CodingPath {
        var path = self
        path.last = Step(key: key, parent: last)
        return path
    }

    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var step = last
        while let current = step {
            keys.append(current.key)
            step = current.parent
        }
        return keys.reversed()
    }
}

/// A key by name or by index. An index, which every element of an array has, is put in words only for an error.
enum AnyKey: CodingKey {
    case name(String)
    case index(Int)

    init(stringValue: String) { self = .name(stringValue) }
    init(intValue: Int) { self = .index(intValue) }

    var stringValue: String {
        switch self {
        case .name(let name): name
        case .index(let index): "\(index)"
        }
    }

    var intValue: Int? {
        if case .index(let index) = self { index } else { nil }
    }

    static let `super` = AnyKey.name("super")
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? ValueDecoder {
            self = decoder.value
        } else if let container = try? decoder.container(keyedBy: AnyKey.self) {
            self = .object(try container.allKeys.map { key in
                Member(key.stringValue, try container.decode(JSONValue.self, forKey: key))
            })
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [JSONValue] = []
            while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
            self = .array(elements)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .integer(value)
            } else if let value = try? container.decode(UInt64.self) {
                self = JSONValue(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else {
                self = .string(try container.decode(String.self))
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if let encoder = encoder as? ValueEncoder { return encoder.box.set(self) }
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: AnyKey.self)
            for member in members { try container.encode(member.value, forKey: .name(member.name)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .unsigned(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .string(let value): try container.encode(value)
            default: try container.encodeNil()
            }
        }
    }
}

import Linux
import SecretMemory
import SourceProtocol

/// Looks things up in JSON text that holds secrets (RFC 8259), leaving no copy of them in ordinary memory.
///
/// The names of members are not secret; they come out as `String`. Of several members of one name the last counts.
public enum SecretJSON {
    public enum Kind: String, Sendable {
        case object = "an object"
        case array = "an array"
        case string = "a string"
        case number = "a number"
        case boolean = "a boolean"
        case null
    }

    /// The text is not JSON, or nested too deeply.
    public struct Malformed: Error, Equatable {
        /// In bytes from its start.
        public let position: Int
    }

    /// What lies at a path.
    ///
    /// - Parameter path: names of members, from the outside in; the whole text where it is empty.
    /// - Returns: nil where there is nothing of that name.
    public static func kind(at path: [String], in text: borrowing SecretBytes) throws(Malformed) -> Kind? {
        try find(path, in: text)?.kind
    }

    /// A string, unescaped.
    ///
    /// - Returns: nil where something else lies there, or nothing.
    public static func string(at path: [String], in text: borrowing SecretBytes) throws(Malformed) -> SecretBytes? {
        guard let place = try find(path, in: text), place.kind == .string else { return nil }
        return try unescaped(place, in: text)
    }

    /// A string in a server's answer, which is none where it is not JSON at all.
    static func answer(_ path: [String], in text: borrowing SecretBytes) -> SecretBytes? {
        do {
            return try string(at: path, in: text)
        } catch {
            return nil
        }
    }

    /// A string, unescaped; or the text of anything else as it stands there.
    ///
    /// - Returns: nil where `null` lies there, or nothing.
    public static func text(at path: [String], in text: borrowing SecretBytes) throws(Malformed) -> SecretBytes? {
        guard let place = try find(path, in: text), place.kind != .null else { return nil }
        if place.kind == .string { return try unescaped(place, in: text) }
        return try copy(place, of: text)
    }

    /// A whole number, or a string that is one.
    ///
    /// - Returns: nil where something else lies there, or nothing.
    public static func integer(at path: [String], in text: borrowing SecretBytes) throws(Malformed) -> Int? {
        guard let place = try find(path, in: text), place.kind == .string || place.kind == .number else { return nil }
        let quotes = place.kind == .string ? 1 : 0
        return text.withUnsafeBytes { bytes in
            Int(String(decoding: bytes[(place.range.lowerBound + quotes)..<(place.range.upperBound - quotes)], as: UTF8.self))
        }
    }

    /// The names of an object's members, in their order.
    ///
    /// - Returns: nil where something else lies there, or nothing.
    public static func names(at path: [String], in text: borrowing SecretBytes) throws(Malformed) -> [String]? {
        guard let place = try find(path, in: text), place.kind == .object else { return nil }
        return try text.withUnsafeBytes { bytes throws(Malformed) in
            var scanner = JSONScanner(bytes, from: place.range.lowerBound)
            var names: [String] = []
            _ = try scanner.object { scanner, name throws(Malformed) in
                names.append(name)
                _ = try scanner.value()
            }
            return names.withoutRepeats()
        }
    }

    private static func find(_ path: [String], in text: borrowing SecretBytes) throws(Malformed) -> JSONPlace? {
        try text.withUnsafeBytes { bytes throws(Malformed) in
            var scanner = JSONScanner(bytes, from: 0)
            let place = try scanner.find(path[...])
            try scanner.end()
            return place
        }
    }

    private static func unescaped(_ place: JSONPlace, in text: borrowing SecretBytes) throws(Malformed) -> SecretBytes {
        do throws(SourceError) {
            // Unescaped it is never longer.
            var result = try SecretBytes.zeroed(place.range.count)
            let count = text.withUnsafeBytes { source in
                result.withUnsafeMutableBytes { JSONScanner.unescape(source, place.range, into: $0) }
            }
            return try result.slice(0..<count)
        } catch {
            throw Malformed(position: place.range.lowerBound)
        }
    }

    private static func copy(_ place: JSONPlace, of text: borrowing SecretBytes) throws(Malformed) -> SecretBytes {
        do throws(SourceError) {
            return try text.slice(place.range)
        } catch {
            throw Malformed(position: place.range.lowerBound)
        }
    }
}

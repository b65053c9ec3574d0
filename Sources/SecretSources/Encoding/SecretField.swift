import SecretMemory
import SourceProtocol

/// Picks one member out of a value that is a JSON object, as many keep several in one secret.
public enum SecretField {
    /// - Parameters:
    ///   - field: the member's name; nil stands for the whole value.
    ///   - subject: what holds the value, for errors.
    /// - Returns: a string unescaped, anything else as it stands in the value.
    /// - Throws: `SourceError` where there is no such member, with the names of those that are there.
    public static func pick(
        _ field: String?, of value: consuming SecretBytes, _ subject: String
    ) throws(SourceError) -> SecretBytes {
        guard let field else { return value }
        let names: [String]?
        do throws(SecretJSON.Malformed) {
            if let member = try SecretJSON.text(at: [field], in: value) { return member }
            names = try SecretJSON.names(at: [], in: value)
        } catch {
            names = nil
        }
        guard let names else {
            throw SourceError("\(subject) is not a JSON object, so it has no field '\(field)'", remedy: "leave 'field' out")
        }
        if names.contains(field) { throw SourceError("the field '\(field)' of \(subject) is null", remedy: "give it a value") }
        throw SourceError(
            "\(subject) has no field '\(field)'",
            remedy: names.isEmpty ? "it has none at all" : "its fields are: \(list(names))")
    }

    /// The first of some names, sorted: a value may have any number of members.
    static func list(_ names: [String]) -> String {
        let shown = names.sorted().prefix(20)
        return shown.joined(separator: ", ") + (shown.count < names.count ? " and \(names.count - shown.count) more" : "")
    }
}

extension DriverOption {
    /// A part of the value, which all take whose values are often JSON.
    public static let field = DriverOption("field", "the member to take, where the value is a JSON object", otherwise: "the whole value")
}

/// A variable that a template refers to, with what the template says of it.
public struct TemplateVariable: Sendable, Equatable {
    public let name: String
    /// What stands for it where it has no value.
    public let defaultValue: String
    /// What stands for it where it has one.
    public let presenceValue: String
    /// Whether it has to have a value.
    public let isRequired: Bool

    /// The variables of a text in the order in which it mentions them, those in defaults and replacements after their own.
    static func all(in text: String) -> [TemplateVariable] {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "$")) else { return [] }
        var found: [TemplateVariable] = []
        var line = TemplateLine(bytes, in: 0..<bytes.count)
        var index = 0
        while index + 1 < bytes.count {
            guard bytes[index] == UInt8(ascii: "$") else {
                index += 1
                continue
            }
            let next = bytes[index + 1]
            if TemplateReference.isNameStart(next) {
                let end = TemplateReference.nameEnd(bytes, index + 1, bytes.count)
                found.append(TemplateVariable(bytes[index + 1..<end]))
                index = end
            } else if next == UInt8(ascii: "{"), let reference = TemplateReference(bytes, at: index, &line) {
                found += variables(of: reference, bytes)
                index = reference.end
            } else {
                index += next == UInt8(ascii: "$") ? 2 : 1
            }
        }
        return found
    }

    private static func variables(of reference: TemplateReference, _ bytes: [UInt8]) -> [TemplateVariable] {
        let operand = String(decoding: bytes[reference.operand], as: UTF8.self)
        let name = bytes[reference.name]
        switch reference.operation {
        case nil: return [TemplateVariable(name)]
        case .required: return [TemplateVariable(name, isRequired: true)]
        case .orDefault: return [TemplateVariable(name, defaultValue: operand)] + all(in: operand)
        case .replacement: return [TemplateVariable(name, presenceValue: operand)] + all(in: operand)
        }
    }

    private init(
        _ name: ArraySlice<UInt8>, defaultValue: String = "", presenceValue: String = "", isRequired: Bool = false
    ) {
        self.name = String(decoding: name, as: UTF8.self)
        self.defaultValue = defaultValue
        self.presenceValue = presenceValue
        self.isRequired = isRequired
    }
}

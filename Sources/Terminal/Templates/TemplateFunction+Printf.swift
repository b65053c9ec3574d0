import JSON

extension TemplateFunction {
    /// The widest field that is worth printing.
    private static let widest = 1000

    /// `printf` with what formats need of it: `%s`, `%v`, `%d`, `%q`, `%t` and `%%`, with `-`, `0`, a width, and for text a precision.
    static func formatted(_ format: String, _ arguments: ArraySlice<TemplateValue>) throws(Failure) -> String {
        var result = ""
        var rest = format[...]
        var arguments = arguments
        while let character = rest.popFirst() {
            guard character == "%" else {
                result.append(character)
                continue
            }
            if rest.first == "%" {
                rest.removeFirst()
                result.append("%")
                continue
            }
            let directive = Directive(from: &rest)
            guard let argument = arguments.popFirst() else { throw Failure("printf has no argument for '\(directive.text)'") }
            result += try directive.applied(to: argument)
        }
        guard arguments.isEmpty else { throw Failure("printf has more arguments than its format shows") }
        return result
    }

    /// `%-10.3s`
    private struct Directive {
        var isLeftAligned = false
        var isZeroPadded = false
        var width = 0
        var precision: Int?
        var verb: Character?
        /// As written.
        let text: String

        /// Takes what follows the percent sign.
        init(from rest: inout Substring) {
            let start = rest
            while let flag = rest.first, flag == "-" || flag == "0" {
                if flag == "-" { isLeftAligned = true } else { isZeroPadded = true }
                rest.removeFirst()
            }
            width = Self.number(&rest) ?? 0
            if rest.first == "." {
                rest.removeFirst()
                precision = Self.number(&rest) ?? 0
            }
            verb = rest.popFirst()
            text = "%" + start[..<rest.startIndex]
        }

        private static func number(_ rest: inout Substring) -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
            rest = rest[digits.endIndex...]
            return digits.isEmpty ? nil : min(Int(digits) ?? widest, widest)
        }

        func applied(to value: TemplateValue) throws(Failure) -> String {
            var text: String
            switch (verb, value) {
            case ("s", .integer), ("s", .bool): throw Failure("'\(self.text)' needs text, not \(value.kind); use %v")
            case ("s", _), ("v", _): text = value.text
            case ("d", .integer(let number)): text = String(number)
            case ("t", .bool(let fact)): text = String(fact)
            case ("q", .string(let string)): text = JSONValue.string(string).serialized()
            case ("d", _), ("t", _), ("q", _): throw Failure("'\(self.text)' does not take \(value.kind)")
            default: throw Failure("printf does not know '\(self.text)'; it knows %s, %v, %d, %q and %t")
            }
            if let precision, verb == "s" { text = String(text.prefix(precision)) }
            let missing = width - text.count
            guard missing > 0 else { return text }
            if isLeftAligned { return text + String(repeating: " ", count: missing) }
            guard isZeroPadded, verb == "d" else { return String(repeating: " ", count: missing) + text }
            let sign = text.hasPrefix("-") ? "-" : ""
            return sign + String(repeating: "0", count: missing) + text.dropFirst(sign.count)
        }
    }
}

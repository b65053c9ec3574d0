/// A text with variables: `$V`, `${V}`, `${V:-default}`, `${V-default}`, `${V:?message}`, `${V?message}`,
/// `${V:+replacement}`, `${V+replacement}`, nested ones in the last six, and `$$` for a dollar sign.
///
/// A `${…}` with an operator ends on the line it starts on. What follows the operator is always expanded, so that its
/// own mistakes show even where it isn't used.
///
/// Source: the Compose specification, "Interpolation".
struct Template {
    enum Problem: Error, Equatable {
        case invalid(offset: Int)
        case missing(variable: String, message: String, offset: Int)
        case tooDeep(offset: Int)
        case tooLong(offset: Int)

        /// The offset in bytes of the `$` that starts the variable.
        var offset: Int {
            switch self {
            case .invalid(let offset), .missing(_, _, let offset), .tooDeep(let offset), .tooLong(let offset): offset
            }
        }
    }

    /// Nesting beyond this is refused, so that a hostile text can't use up the stack.
    static let depthLimit = 32
    /// In bytes, beside the template's own: variables that hold each other twice grow to anything in a few lines.
    static let growthLimit = 16 << 20

    private let bytes: [UInt8]
    private let lookup: (String) -> String?
    /// Called with the name and offset of each variable that is not set and has no default.
    private let unset: (String, Int) -> Void

    /// - Parameters:
    ///   - text: the template.
    ///   - lookup: a variable's value; nil for one that isn't set.
    ///   - unset: told of each variable that becomes a blank string, with the offset of its `$` in bytes.
    static func substitute(
        _ text: String, lookup: (String) -> String?, unset: (String, Int) -> Void = { _, _ in }
    ) throws(Problem) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let result: Result<String, Problem> = withoutActuallyEscaping(lookup) { lookup in
            withoutActuallyEscaping(unset) { unset in
                let template = Template(bytes: Array(text.utf8), lookup: lookup, unset: unset)
                do throws(Problem) {
                    let bytes = try template.expand(0..<template.bytes.count, depth: 0)
                    return .success(String(decoding: bytes, as: UTF8.self))
                } catch {
                    return .failure(error)
                }
            }
        }
        return try result.get()
    }

    private func expand(_ range: Range<Int>, depth: Int) throws(Problem) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(range.count)
        var line = TemplateLine(bytes, in: range)
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "$"), index + 1 < range.upperBound else {
                output.append(bytes[index])
                index += 1
                continue
            }
            let next = bytes[index + 1]
            if next == UInt8(ascii: "$") {
                output.append(next)
                index += 2
            } else if TemplateReference.isNameStart(next) {
                let end = TemplateReference.nameEnd(bytes, index + 1, range.upperBound)
                try append(value(name(index + 1..<end), at: index), to: &output, at: index)
                index = end
            } else if next == UInt8(ascii: "{") {
                guard depth < Self.depthLimit else { throw .tooDeep(offset: index) }
                guard let reference = TemplateReference(bytes, at: index, &line) else { throw .invalid(offset: index) }
                try append(try value(of: reference, depth: depth), to: &output, at: index)
                index = reference.end
            } else {
                // A dollar sign before anything else stands for itself.
                output.append(bytes[index])
                index += 1
            }
        }
        return output
    }

    private func append(_ value: [UInt8], to output: inout [UInt8], at offset: Int) throws(Problem) {
        guard output.count + value.count <= bytes.count + Self.growthLimit else { throw .tooLong(offset: offset) }
        output += value
    }

    private func value(of reference: TemplateReference, depth: Int) throws(Problem) -> [UInt8] {
        let name = name(reference.name)
        guard let operation = reference.operation else { return value(name, at: reference.start) }
        let operand = try operand(of: reference, depth: depth + 1)
        let found = lookup(name)
        let isThere = found != nil && !(reference.countsEmptyAsUnset && found == "")
        switch operation {
        case .orDefault:
            return isThere ? Array((found ?? "").utf8) : operand
        case .replacement:
            return isThere ? operand : Array((found ?? "").utf8)
        case .required:
            guard isThere else {
                throw .missing(
                    variable: name, message: String(decoding: operand, as: UTF8.self), offset: reference.start)
            }
            return Array((found ?? "").utf8)
        }
    }

    private func operand(of reference: TemplateReference, depth: Int) throws(Problem) -> [UInt8] {
        do {
            return try expand(reference.operand, depth: depth)
        } catch {
            // An open reference has taken the brace of one in it: that one is right.
            var line = TemplateLine(bytes, in: error.offset..<bytes.count)
            guard case .invalid(let inner) = error, !reference.isClosed,
                TemplateReference(bytes, at: inner, &line) != nil
            else { throw error }
            throw .invalid(offset: reference.start)
        }
    }

    private func value(_ name: String, at offset: Int) -> [UInt8] {
        if let value = lookup(name) { return Array(value.utf8) }
        unset(name, offset)
        return []
    }

    private func name(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}

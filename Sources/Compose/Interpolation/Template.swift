/// A text with variables: `$V`, `${V}`, `${V:-default}`, `${V-default}`, `${V:?message}`, `${V?message}`,
/// `${V:+replacement}`, `${V+replacement}`, nested ones in the last six, and `$$` for a dollar sign.
///
/// Source: the Compose specification, "Interpolation".
struct Template {
    enum Problem: Error, Equatable {
        case invalid(offset: Int)
        case missing(variable: String, message: String, offset: Int)
        case tooDeep(offset: Int)

        /// The offset in bytes of the `$` that starts the variable.
        var offset: Int {
            switch self {
            case .invalid(let offset), .missing(_, _, let offset), .tooDeep(let offset): offset
            }
        }
    }

    /// Nesting beyond this is refused, so that a hostile text can't use up the stack.
    static let depthLimit = 32

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
            } else if isNameStart(next) {
                let end = nameEnd(index + 1, range.upperBound)
                output += value(name(index + 1..<end), at: index)
                index = end
            } else if next == UInt8(ascii: "{") {
                index = try expandBraced(index, range.upperBound, depth: depth, into: &output)
            } else {
                // A dollar sign before anything else stands for itself.
                output.append(bytes[index])
                index += 1
            }
        }
        return output
    }

    /// Expands the `${…}` at `start` and returns the offset after it.
    private func expandBraced(
        _ start: Int, _ limit: Int, depth: Int, into output: inout [UInt8]
    ) throws(Problem) -> Int {
        guard depth < Self.depthLimit else { throw .tooDeep(offset: start) }
        guard let close = closingBrace(start + 1, limit), start + 2 < close, isNameStart(bytes[start + 2]) else {
            throw .invalid(offset: start)
        }
        let end = nameEnd(start + 2, close)
        let name = name(start + 2..<end)
        if end == close {
            output += value(name, at: start)
            return close + 1
        }
        var operation = end
        let orEmpty = bytes[operation] == UInt8(ascii: ":")
        if orEmpty { operation += 1 }
        guard operation < close else { throw .invalid(offset: start) }
        let found = lookup(name)
        let isThere = found != nil && !(orEmpty && found == "")
        let rest = operation + 1..<close
        switch bytes[operation] {
        case UInt8(ascii: "-"):
            output += isThere ? Array((found ?? "").utf8) : try expand(rest, depth: depth + 1)
        case UInt8(ascii: "+"):
            output += isThere ? try expand(rest, depth: depth + 1) : Array((found ?? "").utf8)
        case UInt8(ascii: "?"):
            guard isThere else {
                let message = try expand(rest, depth: depth + 1)
                throw .missing(variable: name, message: String(decoding: message, as: UTF8.self), offset: start)
            }
            output += Array((found ?? "").utf8)
        default:
            throw .invalid(offset: start)
        }
        return close + 1
    }

    private func value(_ name: String, at offset: Int) -> [UInt8] {
        if let value = lookup(name) { return Array(value.utf8) }
        unset(name, offset)
        return []
    }

    private func name(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    /// The brace that closes the one at `open`.
    private func closingBrace(_ open: Int, _ limit: Int) -> Int? {
        var depth = 0
        for index in open..<limit {
            if bytes[index] == UInt8(ascii: "{") {
                depth += 1
            } else if bytes[index] == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private func isNameStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func nameEnd(_ start: Int, _ limit: Int) -> Int {
        var index = start
        while index < limit, isNameStart(bytes[index]) || (0x30...0x39).contains(bytes[index]) { index += 1 }
        return index
    }
}

import JSON

/// A function of templates: those of Go's text/template and of Docker's command line that formats are written with.
struct TemplateFunction {
    /// Why it has no value for these arguments.
    struct Failure: Error {
        let message: String

        init(_ message: String) { self.message = message }
    }

    typealias Body = @Sendable ([TemplateValue]) throws(Failure) -> TemplateValue

    let argumentCount: ClosedRange<Int>
    /// How it is written, for messages.
    let usage: String
    let body: Body

    static func named(_ name: String) -> TemplateFunction? { all[name] }

    /// Sorted.
    static let names = all.keys.sorted()

    /// `and` and `or` are the evaluation's: they look at no more arguments than they need.
    private static let all: [String: TemplateFunction] = [
        "and": .init(1...9, "'and .A .B'") { (_) throws(Failure) in .absent },
        "or": .init(1...9, "'or .A .B'") { (_) throws(Failure) in .absent },
        "not": .init(1...1, "'not .A'") { (values) throws(Failure) in .bool(!values[0].isTrue) },
        "eq": .init(2...99, "'eq .A .B'") { (values) throws(Failure) in
            for other in values.dropFirst() where try isEqual(values[0], other) { return .bool(true) }
            return .bool(false)
        },
        "ne": .init(2...2, "'ne .A .B'") { (values) throws(Failure) in .bool(try !isEqual(values[0], values[1])) },
        "lt": .init(2...2, "'lt .A .B'") { (values) throws(Failure) in .bool(try isLess(values[0], values[1])) },
        "le": .init(2...2, "'le .A .B'") { (values) throws(Failure) in .bool(try !isLess(values[1], values[0])) },
        "gt": .init(2...2, "'gt .A .B'") { (values) throws(Failure) in .bool(try isLess(values[1], values[0])) },
        "ge": .init(2...2, "'ge .A .B'") { (values) throws(Failure) in .bool(try !isLess(values[0], values[1])) },
        "json": .init(1...1, "'json .A'") { (values) throws(Failure) in .string(values[0].json.serialized()) },
        "len": .init(1...1, "'len .A'") { (values) throws(Failure) in .integer(Int64(try length(values[0]))) },
        "index": .init(2...9, "'index .List 0' or 'index .Labels \"key\"'") { (values) throws(Failure) in
            var value = values[0]
            for key in values.dropFirst() { value = try element(key, of: value) }
            return value
        },
        "slice": .init(1...3, "'slice .A 0 12'") { (values) throws(Failure) in try slice(values[0], values.dropFirst()) },
        "upper": .init(1...1, "'upper .A'") { (values) throws(Failure) in .string(try text(values[0]).uppercased()) },
        "lower": .init(1...1, "'lower .A'") { (values) throws(Failure) in .string(try text(values[0]).lowercased()) },
        "title": .init(1...1, "'title .A'") { (values) throws(Failure) in .string(title(try text(values[0]))) },
        "split": .init(2...2, "'split .A \",\"'") { (values) throws(Failure) in
            .list(split(try text(values[0]), at: try text(values[1])).map { .string($0) })
        },
        "join": .init(2...2, "'join .List \",\"'") { (values) throws(Failure) in
            guard case .list(let elements) = values[0] else { throw Failure("\(values[0].kind) can't be joined, only a list can") }
            return .string(elements.map(\.text).joined(separator: try text(values[1])))
        },
        "truncate": .init(2...2, "'truncate .A 12'") { (values) throws(Failure) in
            .string(String(try text(values[0]).prefix(max(0, try number(values[1])))))
        },
        "pad": .init(3...3, "'pad .A 1 1'") { (values) throws(Failure) in
            let text = try text(values[0])
            func spaces(_ count: Int) -> String { String(repeating: " ", count: min(max(0, count), 1000)) }
            return .string(text.isEmpty ? "" : spaces(try number(values[1])) + text + spaces(try number(values[2])))
        },
        "print": .init(0...99, "'print .A .B'") { (values) throws(Failure) in
            // A space only where neither neighbour is text.
            var result = ""
            for (position, value) in values.enumerated() {
                if position > 0, !value.isText, !values[position - 1].isText { result += " " }
                result += value.text
            }
            return .string(result)
        },
        "println": .init(0...99, "'println .A .B'") { (values) throws(Failure) in
            .string(values.map(\.text).joined(separator: " ") + "\n")
        },
        "printf": .init(1...99, "'printf \"%s\" .A'") { (values) throws(Failure) in
            .string(try formatted(try text(values[0]), values.dropFirst()))
        },
    ]

    private init(_ argumentCount: ClosedRange<Int>, _ usage: String, _ body: @escaping Body) {
        self.argumentCount = argumentCount
        self.usage = usage
        self.body = body
    }

    // MARK: what they have in common

    static func text(_ value: TemplateValue) throws(Failure) -> String {
        switch value {
        case .string(let text): return text
        case .absent: return ""
        default: throw Failure("text is needed here, not \(value.kind)")
        }
    }

    static func number(_ value: TemplateValue) throws(Failure) -> Int {
        guard case .integer(let number) = value else { throw Failure("a number is needed here, not \(value.kind)") }
        return Int(number)
    }

    private static func isEqual(_ left: TemplateValue, _ right: TemplateValue) throws(Failure) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
        case (.integer(let left), .integer(let right)): return left == right
        case (.bool(let left), .bool(let right)): return left == right
        // What isn't there equals nothing but what isn't there.
        case (.null, _), (.absent, _), (_, .null), (_, .absent): return left.isNothing && right.isNothing
        default: throw incomparable(left, right)
        }
    }

    private static func isLess(_ left: TemplateValue, _ right: TemplateValue) throws(Failure) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)): return left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.integer(let left), .integer(let right)): return left < right
        default: throw incomparable(left, right)
        }
    }

    private static func incomparable(_ left: TemplateValue, _ right: TemplateValue) -> Failure {
        Failure("\(left.kind) and \(right.kind) can't be compared")
    }

    private static func length(_ value: TemplateValue) throws(Failure) -> Int {
        switch value {
        case .string(let text): return text.utf8.count
        case .list(let elements): return elements.count
        case .map(let members): return members.count
        case .absent: return 0
        default: throw Failure("\(value.kind) has no length")
        }
    }

    private static func element(_ key: TemplateValue, of value: TemplateValue) throws(Failure) -> TemplateValue {
        switch value {
        case .list(let elements):
            let position = try number(key)
            guard elements.indices.contains(position) else { throw Failure("the list has \(elements.count) elements, and none at \(position)") }
            return elements[position]
        case .map(let members):
            let name = try text(key)
            return members.first { $0.name == name }?.value ?? .string("")
        case .absent: return .absent
        default: throw Failure("\(value.kind) has no elements")
        }
    }

    private static func slice(_ value: TemplateValue, _ bounds: ArraySlice<TemplateValue>) throws(Failure) -> TemplateValue {
        var limits: [Int] = []
        for bound in bounds { limits.append(try number(bound)) }
        func range(in count: Int) throws(Failure) -> Range<Int> {
            let (start, end) = (limits.first ?? 0, limits.count > 1 ? limits[1] : count)
            guard start >= 0, start <= end, end <= count else { throw Failure("\(start) to \(end) is outside of what has \(count)") }
            return start..<end
        }
        switch value {
        case .string(let text):
            let bytes = Array(text.utf8)
            return .string(String(decoding: bytes[try range(in: bytes.count)], as: UTF8.self))
        case .list(let elements): return .list(Array(elements[try range(in: elements.count)]))
        default: throw Failure("\(value.kind) can't be cut")
        }
    }

    /// The first letter of each word in upper case; an apostrophe ends a word, as it does in Go.
    private static func title(_ text: String) -> String {
        var result = ""
        var isInWord = false
        for character in text {
            result += isInWord ? String(character) : character.uppercased()
            isInWord = character.isLetter || character.isNumber || character == "_"
        }
        return result
    }

    /// At each separator; into characters where that is empty.
    private static func split(_ text: String, at separator: String) -> [String] {
        guard !separator.isEmpty else { return text.map(String.init) }
        let (text, separator) = (Array(text.utf8), Array(separator.utf8))
        var parts: [String] = []
        var start = 0
        var position = 0
        while position + separator.count <= text.count {
            if text[position..<position + separator.count].elementsEqual(separator) {
                parts.append(String(decoding: text[start..<position], as: UTF8.self))
                position += separator.count
                start = position
            } else {
                position += 1
            }
        }
        return parts + [String(decoding: text[start...], as: UTF8.self)]
    }
}

extension TemplateValue {
    fileprivate var isText: Bool {
        if case .string = self { true } else { false }
    }

    fileprivate var isNothing: Bool {
        switch self {
        case .null, .absent: true
        default: false
        }
    }
}

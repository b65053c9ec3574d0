import Linux

/// Patterns for paths as `.dockerignore` has them: `*` and `?` stay within a name, `**` spans any number of them, `!` takes back what a
/// pattern before it has matched. What lies below a folder that matches does, too.
///
/// Source: Go's `filepath.Match`, and the documentation of `.dockerignore`.
public struct FilePatterns: Sendable {
    /// A pattern that is none.
    public struct Malformed: Error, CustomStringConvertible {
        public let pattern: String
        public var description: String { "'\(pattern)' is no pattern: what '[' opens has to be closed, and to hold something" }
    }

    private struct Pattern: Sendable {
        let tokens: [Token]
        let isException: Bool
        /// Whether it is compared with the whole path rather than the way from the folder.
        let isAbsolute: Bool
        /// Whether it is the folder itself that is meant, and so all that it holds.
        let isEverything: Bool
    }

    private enum Token: Sendable {
        case literal(UInt32)
        case anyOne
        case oneOf([ClosedRange<UInt32>], isInverted: Bool)
        /// Any part of a name.
        case anyPart
        /// Any number of whole names, none too.
        case anyNames
        /// Whatever comes.
        case anyRest
    }

    private let folder: String
    private let patterns: [Pattern]
    public var isEmpty: Bool { patterns.isEmpty }
    /// Whether one takes back what others match.
    public var hasExceptions: Bool { patterns.contains(where: \.isException) }

    private static let slash: UInt32 = 0x2F

    /// - Parameters:
    ///   - texts: as written.
    ///   - folder: what those that are not absolute start from; absolute and clean.
    public init(_ texts: [String], in folder: String) throws(Malformed) {
        self.folder = folder
        var patterns: [Pattern] = []
        for text in texts {
            let trimmed = Self.trimmed(text)
            let isException = trimmed.utf8.first == UInt8(ascii: "!")
            let body = isException ? String(trimmed.dropFirst()) : trimmed
            guard !body.isEmpty else {
                if isException { throw Malformed(pattern: text) }
                continue
            }
            let clean = Paths.clean(body)
            patterns.append(
                Pattern(
                    tokens: try Self.tokens(Array(clean.unicodeScalars.map(\.value)), of: text), isException: isException,
                    isAbsolute: clean.utf8.first == UInt8(ascii: "/"), isEverything: clean == "."))
        }
        self.patterns = patterns
    }

    /// Whether a path matches, or a folder above it.
    ///
    /// - Parameter rest: the way from the folder to it; empty for the folder itself.
    public func match(_ rest: String) -> Bool {
        var isMatched = false
        let relative = rest.unicodeScalars.map(\.value)
        var absolute: [UInt32]?
        for pattern in patterns where pattern.isException == isMatched {
            if pattern.isEverything {
                isMatched = !pattern.isException
            } else if pattern.isAbsolute {
                if absolute == nil { absolute = (rest.isEmpty ? folder : Paths.join(folder, "./" + rest)).unicodeScalars.map(\.value) }
                if Self.matchesWholeOrStart(pattern.tokens, absolute ?? []) { isMatched = !pattern.isException }
            } else if Self.matchesWholeOrStart(pattern.tokens, relative) {
                isMatched = !pattern.isException
            }
        }
        return isMatched
    }

    private static func matchesWholeOrStart(_ tokens: [Token], _ path: [UInt32]) -> Bool {
        if Attempt(tokens, path[...]).matches() { return true }
        return path.indices.contains { path[$0] == slash && $0 > 0 && Attempt(tokens, path[..<$0]).matches() }
    }

    private static func trimmed(_ text: String) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func tokens(_ scalars: [UInt32], of text: String) throws(Malformed) -> [Token] {
        let (star, question, backslash, open) = (UInt32(0x2A), UInt32(0x3F), UInt32(0x5C), UInt32(0x5B))
        var tokens: [Token] = []
        var rest = scalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case star:
                guard rest.first == star else {
                    tokens.append(.anyPart)
                    continue
                }
                rest.removeFirst()
                if rest.first == slash { rest.removeFirst() }
                tokens.append(rest.isEmpty ? .anyRest : .anyNames)
            case question: tokens.append(.anyOne)
            case backslash: tokens.append(.literal(rest.popFirst() ?? backslash))
            case open: tokens.append(try choice(&rest, of: text))
            default: tokens.append(.literal(scalar))
            }
        }
        return tokens
    }

    /// What is between `[` and `]`.
    private static func choice(_ rest: inout ArraySlice<UInt32>, of text: String) throws(Malformed) -> Token {
        let (backslash, close, caret, dash) = (UInt32(0x5C), UInt32(0x5D), UInt32(0x5E), UInt32(0x2D))
        var ranges: [ClosedRange<UInt32>] = []
        let isInverted = rest.first == caret
        if isInverted { rest.removeFirst() }
        func one(_ rest: inout ArraySlice<UInt32>) throws(Malformed) -> UInt32 {
            guard let scalar = rest.popFirst(), scalar != dash, scalar != close else { throw Malformed(pattern: text) }
            guard scalar == backslash else { return scalar }
            guard let escaped = rest.popFirst() else { throw Malformed(pattern: text) }
            return escaped
        }
        while rest.first != close || ranges.isEmpty {
            let low = try one(&rest)
            guard rest.first == dash else {
                ranges.append(low...low)
                continue
            }
            rest.removeFirst()
            let high = try one(&rest)
            guard low <= high else { throw Malformed(pattern: text) }
            ranges.append(low...high)
        }
        rest.removeFirst()
        return .oneOf(ranges, isInverted: isInverted)
    }

    /// One comparison. What has failed once is not tried again, so that it ends soon for any pattern.
    private struct Attempt {
        private let tokens: [Token]
        private let path: ArraySlice<UInt32>
        private var failed: Set<Int> = []

        init(_ tokens: [Token], _ path: ArraySlice<UInt32>) {
            self.tokens = tokens
            self.path = path
        }

        func matches() -> Bool {
            var copy = self
            return copy.matches(0, path.startIndex)
        }

        private mutating func matches(_ token: Int, _ place: Int) -> Bool {
            guard token < tokens.count else { return place == path.endIndex }
            let key = token * (path.count + 1) + place
            if failed.contains(key) { return false }
            if proceeds(token, place) { return true }
            failed.insert(key)
            return false
        }

        private mutating func proceeds(_ token: Int, _ place: Int) -> Bool {
            switch tokens[token] {
            case .literal(let scalar):
                return place < path.endIndex && path[place] == scalar && matches(token + 1, place + 1)
            case .anyOne:
                return place < path.endIndex && path[place] != FilePatterns.slash && matches(token + 1, place + 1)
            case .oneOf(let ranges, let isInverted):
                guard place < path.endIndex, path[place] != FilePatterns.slash else { return false }
                let scalar = path[place]
                return ranges.contains { $0.contains(scalar) } != isInverted && matches(token + 1, place + 1)
            case .anyPart:
                for next in place...path.endIndex {
                    if matches(token + 1, next) { return true }
                    if next < path.endIndex, path[next] == FilePatterns.slash { return false }
                }
                return false
            case .anyNames:
                if matches(token + 1, place) { return true }
                for next in place..<path.endIndex where path[next] == FilePatterns.slash {
                    if matches(token + 1, next + 1) { return true }
                }
                return false
            case .anyRest: return true
            }
        }
    }
}

import YAML

/// How a text is written in a block-style YAML document: the choices that Compose's own emitter makes.
enum YAMLScalarStyle: Equatable {
    case plain, singleQuoted, doubleQuoted, literal

    init(_ text: String, isKey: Bool = false) {
        let bytes = Array(text.utf8)
        let facts = Facts(bytes)
        if bytes.contains(UInt8(ascii: "\n")) {
            self = facts.allowsLiteral && !isKey ? .literal : .doubleQuoted
        } else if bytes.isEmpty || Self.readsAsAnotherType(text) {
            self = .doubleQuoted
        } else if facts.allowsPlain {
            self = .plain
        } else {
            self = facts.allowsSingleQuotes && !(isKey && facts.hasBreaks) ? .singleQuoted : .doubleQuoted
        }
    }

    /// Whether some YAML reader, of version 1.1 or 1.2, would take the plain text for something other than a text.
    private static func readsAsAnotherType(_ text: String) -> Bool {
        guard case .string = ScalarResolution.resolve(text) else { return true }
        switch text {
        case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF": return true
        default: break
        }
        guard let first = text.utf8.first, first <= UInt8(ascii: "9") else { return false }
        return isSexagesimal(text)
    }

    /// `12:30:45`, a number to the base of sixty in YAML 1.1.
    private static func isSexagesimal(_ text: String) -> Bool {
        var rest = text[...]
        if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
        var parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, first.utf8.first.map(isDigit) == true,
            first.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") })
        else { return false }
        parts.removeFirst()
        if let last = parts.popLast() {
            let (whole, fraction) = Text.cut(String(last), at: UInt8(ascii: "."))
            guard (fraction ?? "").utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else { return false }
            parts.append(whole[...])
        }
        return parts.allSatisfy { part in
            let digits = Array(part.utf8)
            guard digits.allSatisfy(isDigit), let tens = digits.first else { return false }
            return digits.count == 1 || digits.count == 2 && tens <= UInt8(ascii: "5")
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// What of a text decides in which styles it can be written, by YAML 1.2's sections 7.3 and 8.1.
    private struct Facts {
        private(set) var hasBreaks = false
        private var hasTabs = false
        private var hasUnprintable = false
        private var hasIndicators = false
        private var startsBlank = false
        private var endsBlank = false
        private var endsInSpace = false
        private var breakThenSpace = false
        private var spaceThenBreak = false

        var allowsPlain: Bool {
            !(startsBlank || endsBlank || breakThenSpace || spaceThenBreak || hasTabs || hasUnprintable || hasBreaks
                || hasIndicators)
        }
        var allowsSingleQuotes: Bool { !(breakThenSpace || spaceThenBreak || hasTabs || hasUnprintable) }
        var allowsLiteral: Bool { !(endsInSpace || spaceThenBreak || hasUnprintable) }

        init(_ bytes: [UInt8]) {
            if bytes.starts(with: Array("---".utf8)) || bytes.starts(with: Array("...".utf8)) { hasIndicators = true }
            var afterBlank = true
            var previous: UInt8?
            for (index, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
                let width = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
                let beforeBlank = index + width >= bytes.count || Self.isBlank(bytes, index + width)
                note(byte, isFirst: index == 0, afterBlank: afterBlank, beforeBlank: beforeBlank)
                let isLast = index + width >= bytes.count
                if byte == 0x20 {
                    if index == 0 { startsBlank = true }
                    if isLast { (endsBlank, endsInSpace) = (true, true) }
                    if previous == UInt8(ascii: "\n") { breakThenSpace = true }
                } else if Self.isBreak(bytes, index) {
                    hasBreaks = true
                    if index == 0 { startsBlank = true }
                    if isLast { endsBlank = true }
                    if previous == 0x20 { spaceThenBreak = true }
                }
                if byte == 0x09 {
                    hasTabs = true
                } else if !Self.isPrintable(bytes, index) {
                    hasUnprintable = true
                }
                previous = Self.isBreak(bytes, index) ? UInt8(ascii: "\n") : byte
                afterBlank = Self.isBlank(bytes, index)
            }
        }

        private mutating func note(_ byte: UInt8, isFirst: Bool, afterBlank: Bool, beforeBlank: Bool) {
            if isFirst {
                if Array("#,[]{}&*!|>'\"%@`".utf8).contains(byte) { hasIndicators = true }
                if beforeBlank, Array("?:-".utf8).contains(byte) { hasIndicators = true }
            } else if byte == UInt8(ascii: ":"), beforeBlank {
                hasIndicators = true
            } else if byte == UInt8(ascii: "#"), afterBlank {
                hasIndicators = true
            }
        }

        /// A line break by YAML 1.1: LF, CR, NEL, LS, PS.
        private static func isBreak(_ bytes: [UInt8], _ index: Int) -> Bool {
            switch bytes[index] {
            case 0x0A, 0x0D: true
            case 0xC2: bytes[index + 1] == 0x85
            case 0xE2: bytes[index + 1] == 0x80 && (bytes[index + 2] == 0xA8 || bytes[index + 2] == 0xA9)
            default: false
            }
        }

        private static func isBlank(_ bytes: [UInt8], _ index: Int) -> Bool {
            bytes[index] == 0x20 || bytes[index] == 0x09 || isBreak(bytes, index)
        }

        private static func isPrintable(_ bytes: [UInt8], _ index: Int) -> Bool {
            YAMLScalarStyle.isPrintable(bytes[index...])
        }
    }

    /// Whether the character that the bytes start with is written as it is; characters of four bytes are not.
    static func isPrintable(_ bytes: ArraySlice<UInt8>) -> Bool {
        let index = bytes.startIndex
        switch bytes[index] {
        case 0x0A, 0x20...0x7E: return true
        case 0xC2: return bytes[index + 1] >= 0xA0
        case 0xC3...0xEC, 0xEE: return true
        case 0xED: return bytes[index + 1] < 0xA0
        case 0xEF:
            let isMark = bytes[index + 1] == 0xBB && bytes[index + 2] == 0xBF
            let isNone = bytes[index + 1] == 0xBF && bytes[index + 2] >= 0xBE
            return !isMark && !isNone
        default: return false
        }
    }
}

import CSodium
import SecretMemory

/// A random 128-bit name for a store, a secret or an object.
///
/// Secrets show theirs as Docker does, 25 characters of base 36; files and the header use hexadecimal.
package struct Identifier: Hashable, Comparable, Sendable {
    package let value: UInt128

    init(_ value: UInt128) {
        self.value = value
    }

    package static func random() -> Identifier {
        Sodium.start()
        var value: UInt128 = 0
        withUnsafeMutableBytes(of: &value) { randombytes_buf($0.baseAddress!, $0.count) }
        return Identifier(value)
    }

    package static func < (left: Identifier, right: Identifier) -> Bool { left.value < right.value }
}

extension Identifier {
    /// 32 characters of hexadecimal.
    var hexadecimal: String { hexadecimalDigits(of: value) }

    /// Reads what `hexadecimal` wrote, and nothing else.
    init?(hexadecimal text: some StringProtocol) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(isLowercaseHexadecimal),
            let value = UInt128(text, radix: 16)
        else { return nil }
        self.init(value)
    }
}

extension Identifier {
    /// 36^25 is the first power above 2^128.
    private static let base36Digits = 25
    /// The largest power of 36 that leaves its remainder in 64 bits, where division is fast.
    private static let base36Block: UInt64 = 4_738_381_338_321_616_896

    /// 25 characters of `[0-9a-z]`, as Docker shows ids.
    var base36: String {
        let (upper, lowBlock) = value.quotientAndRemainder(dividingBy: UInt128(Self.base36Block))
        let (top, middleBlock) = upper.quotientAndRemainder(dividingBy: UInt128(Self.base36Block))
        var text = [UInt8](repeating: UInt8(ascii: "0"), count: Self.base36Digits)
        var position = Self.base36Digits
        for (block, digits) in [(UInt64(lowBlock), 12), (UInt64(middleBlock), 12), (UInt64(top), 1)] {
            var rest = block
            for _ in 0..<digits {
                position -= 1
                let digit = UInt8(rest % 36)
                text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest /= 36
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The identifiers whose base 36 form starts with `prefix`; nil where none can.
    static func range(base36Prefix prefix: String) -> ClosedRange<Identifier>? {
        guard !prefix.isEmpty, prefix.utf8.count <= base36Digits else { return nil }
        var lower: UInt128 = 0
        var upper: UInt128 = 0
        var upperOverflows = false
        let characters = Array(prefix.utf8)
        for position in 0..<base36Digits {
            let low: UInt128
            let high: UInt128
            if position < characters.count {
                guard let digit = base36Digit(characters[position]) else { return nil }
                (low, high) = (digit, digit)
            } else {
                (low, high) = (0, 35)
            }
            let (shifted, overflow) = lower.multipliedReportingOverflow(by: 36)
            let (sum, carry) = shifted.addingReportingOverflow(low)
            if overflow || carry { return nil }
            lower = sum
            if !upperOverflows {
                let (shifted, overflow) = upper.multipliedReportingOverflow(by: 36)
                let (sum, carry) = shifted.addingReportingOverflow(high)
                upperOverflows = overflow || carry
                upper = sum
            }
        }
        return Identifier(lower)...Identifier(upperOverflows ? .max : upper)
    }

    private static func base36Digit(_ character: UInt8) -> UInt128? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt128(character - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt128(character - UInt8(ascii: "a") + 10)
        default: nil
        }
    }
}

/// Whether a byte is a digit of lower-case hexadecimal.
func isLowercaseHexadecimal(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
}

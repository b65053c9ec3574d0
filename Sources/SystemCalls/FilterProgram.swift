/// A filter in the kernel's own terms, as `stackup-init` installs it.
public struct FilterProgram: Codable, Sendable, Equatable {
    /// Flags of seccomp(2).
    public var flags: UInt32
    /// `struct sock_filter`s of this machine.
    public var instructions: [UInt8]

    public init(flags: UInt32, instructions: [UInt8]) {
        self.flags = flags
        self.instructions = instructions
    }

    private enum CodingKeys: CodingKey {
        case flags, instructions
    }

    /// - Throws: `DecodingError` where the instructions are not pairs of hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        flags = try members.decode(UInt32.self, forKey: .flags)
        let digits = Array(try members.decode(String.self, forKey: .instructions).utf8)
        instructions = try stride(from: 0, to: digits.count, by: 2).map { at in
            guard at + 1 < digits.count, let high = Self.value(digits[at]), let low = Self.value(digits[at + 1]) else {
                throw DecodingError.dataCorruptedError(forKey: .instructions, in: members, debugDescription: "they are not hexadecimal")
            }
            return high << 4 | low
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(flags, forKey: .flags)
        let digits = Array("0123456789abcdef".utf8)
        try members.encode(
            String(decoding: instructions.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self), forKey: .instructions)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

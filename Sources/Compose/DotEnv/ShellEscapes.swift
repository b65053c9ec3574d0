/// The backslash escapes of double-quoted values in env files.
enum ShellEscapes {
    /// The text with its escapes replaced; `\\$` becomes `$$`, which expansion turns into one dollar sign.
    static func replaced(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                output.append(bytes[index])
                index += 1
                continue
            }
            index += 2
            switch bytes[index - 1] {
            case UInt8(ascii: "a"): output.append(0x07)
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "v"): output.append(0x0B)
            case UInt8(ascii: "\\"): output.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "\""): output.append(UInt8(ascii: "\""))
            case UInt8(ascii: "$"): output += [UInt8(ascii: "$"), UInt8(ascii: "$")]
            case UInt8(ascii: "0"):
                // Where they are no octal number of a byte, Compose keeps the backslash and the digits, but not the zero.
                let digits = bytes[index...].prefix(3).prefix { (0x30...0x39).contains($0) }
                index += digits.count
                if digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
                    output += Array(String(Unicode.Scalar(code)).utf8)
                } else {
                    output.append(UInt8(ascii: "\\"))
                    output += digits
                }
            case let other: output += [UInt8(ascii: "\\"), other]
            }
        }
        return output
    }
}

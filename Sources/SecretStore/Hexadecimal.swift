/// Bytes as lower-case hexadecimal.
func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
    return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
        for (index, byte) in bytes.enumerated() {
            text[index * 2] = digit(byte >> 4)
            text[index * 2 + 1] = digit(byte & 15)
        }
        return bytes.count * 2
    }
}

/// A number as lower-case hexadecimal, with the zeros before it.
func hexadecimalDigits(of number: some FixedWidthInteger) -> String {
    withUnsafeBytes(of: number.bigEndian) { hexadecimal($0) }
}

/// What `hexadecimal` was made from; nil where it can't have been.
func bytes(hexadecimal text: Substring) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 2), characters.allSatisfy(isLowercaseHexadecimal) else { return nil }
    func digit(_ character: UInt8) -> UInt8 {
        character <= UInt8(ascii: "9") ? character - UInt8(ascii: "0") : character - UInt8(ascii: "a") + 10
    }
    return stride(from: 0, to: characters.count, by: 2).map { digit(characters[$0]) << 4 | digit(characters[$0 + 1]) }
}

/// Bytes as lower-case hexadecimal.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
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

/// The characters that a generated password is made of, as `tr` writes them: `a-z0-9!%`.
enum GeneratorAlphabet {
    /// Each character once.
    ///
    /// - Throws: `SourceError` where there are too few, and where one stands there twice: it would come more often than others.
    static func characters(of text: String) throws(SourceError) -> [UInt8] {
        var characters: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.popFirst() {
            var last = first
            // A dash at the end is a dash.
            if rest.first == UInt8(ascii: "-"), rest.count > 1 {
                last = rest[rest.startIndex + 1]
                rest.removeFirst(2)
                guard first <= last else {
                    throw SourceError("the alphabet has the range '\(name(first))-\(name(last))', which runs backwards", remedy: "write '\(name(last))-\(name(first))'")
                }
            }
            for character in first...last {
                guard (0x21...0x7E).contains(character) else {
                    throw SourceError("the alphabet may hold printable ASCII characters only, and no space")
                }
                guard !characters.contains(character) else {
                    throw SourceError("the alphabet has '\(name(character))' twice", remedy: "name each character once, so that each is as likely")
                }
                characters.append(character)
            }
        }
        guard characters.count > 1 else { throw SourceError("the alphabet has fewer than two characters", remedy: "name some, as in 'alphabet=a-z0-9'") }
        return characters
    }

    private static func name(_ character: UInt8) -> String { String(UnicodeScalar(character)) }
}

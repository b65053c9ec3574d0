import Words

/// What the driver `generate` is to make, as people write it: `kind[:length][,alphabet=CHARACTERS]`.
public enum GeneratorSpec: Equatable, Sendable {
    /// So many characters of an alphabet, each as likely as any other.
    case characters(count: Int, alphabet: [UInt8])
    /// So many random bytes.
    case bytes(count: Int, BytesEncoding)
    /// Version 4 of RFC 9562.
    case uuid
    /// In bits.
    case rsaKey(bits: Int)
    case key(KeyKind)
    case wireguardKey
    case ageIdentity

    public enum BytesEncoding: Equatable, Sendable {
        case raw, hex, base64, base64url
    }

    /// A private key of an elliptic curve.
    public enum KeyKind: Equatable, Sendable {
        case ed25519, x25519, p256
    }

    /// What `driver:` in the Compose file says.
    public static let driver = "generate"
    /// The most characters or bytes that a spec may ask for.
    public static let largestLength = 65536

    /// One of the words that a spec starts with.
    public struct Kind: Sendable {
        public let name: String
        /// For help: a part of a sentence.
        public let summary: String
        /// Nil where the kind takes no length.
        fileprivate let defaultLength: Int?
        fileprivate let takesAlphabet: Bool
        fileprivate let make: @Sendable (_ length: Int, _ alphabet: [UInt8]) -> GeneratorSpec

        fileprivate init(
            _ name: String, _ summary: String, length: Int? = nil, takesAlphabet: Bool = false,
            _ make: @escaping @Sendable (Int, [UInt8]) -> GeneratorSpec
        ) {
            self.name = name
            self.summary = summary
            defaultLength = length
            self.takesAlphabet = takesAlphabet
            self.make = make
        }
    }

    /// In the order of the docs.
    public static let kinds: [Kind] = [
        Kind("password", "characters, by default 32 of letters, digits and -_.~, which URLs, shells and YAML take as they are", length: 32, takesAlphabet: true) {
            .characters(count: $0, alphabet: $1)
        },
        Kind("alnum", "letters and digits, by default 32", length: 32) { length, _ in .characters(count: length, alphabet: alphanumeric) },
        Kind("digits", "digits, by default 8", length: 8) { length, _ in .characters(count: length, alphabet: Array("0123456789".utf8)) },
        Kind("hex", "random bytes, by default 32, two digits each", length: 32) { length, _ in .bytes(count: length, .hex) },
        Kind("base64", "random bytes, by default 32", length: 32) { length, _ in .bytes(count: length, .base64) },
        Kind("base64url", "the same for URLs, without padding", length: 32) { length, _ in .bytes(count: length, .base64url) },
        Kind("bytes", "random bytes as they are, by default 32", length: 32) { length, _ in .bytes(count: length, .raw) },
        Kind("uuid", "a random UUID (version 4)") { _, _ in .uuid },
        Kind("rsa-2048", "a private key, PKCS#8 in PEM") { _, _ in .rsaKey(bits: 2048) },
        Kind("rsa-3072", "the same with 3072 bits") { _, _ in .rsaKey(bits: 3072) },
        Kind("rsa-4096", "the same with 4096 bits") { _, _ in .rsaKey(bits: 4096) },
        Kind("ed25519", "a private key for signatures, PKCS#8 in PEM") { _, _ in .key(.ed25519) },
        Kind("x25519", "a private key for key agreement, PKCS#8 in PEM") { _, _ in .key(.x25519) },
        Kind("p256", "a private key of the curve P-256, PKCS#8 in PEM") { _, _ in .key(.p256) },
        Kind("wireguard", "a private key as 'wg genkey' makes it") { _, _ in .wireguardKey },
        Kind("age", "an identity as 'age-keygen' makes it") { _, _ in .ageIdentity },
    ]

    private static let alphanumeric = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let passwordAlphabet = alphanumeric + Array("-_.~".utf8)

    /// Reads a spec.
    ///
    /// - Throws: `SourceError` that says what is wrong with it, and what would be right.
    public init(_ text: String) throws(SourceError) {
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let words = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let kind = Self.kinds.first(where: { $0.name == words[0] }) else {
            throw Self.unknown(words[0])
        }
        self = kind.make(
            try Self.length(words.count == 2 ? words[1] : nil, of: kind), try Self.alphabet(parts.count == 2 ? parts[1] : nil, of: kind))
    }

    private static func unknown(_ word: String) -> SourceError {
        let names = kinds.map(\.name)
        let sizes = names.filter { $0.hasPrefix(word + "-") }
        return SourceError(
            word.isEmpty ? "the generator has no kind" : "there is no generator '\(word)'",
            remedy: sizes.isEmpty
                ? Spelling.suggestion(for: word, among: names) ?? "there are \(names.joined(separator: ", "))"
                : "there are \(sizes.joined(separator: ", "))")
    }

    private static func length(_ text: String?, of kind: Kind) throws(SourceError) -> Int {
        guard let text else { return kind.defaultLength ?? 0 }
        guard let usual = kind.defaultLength else {
            throw SourceError("the generator '\(kind.name)' takes no length", remedy: "write '\(kind.name)'")
        }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let length = Int(text),
            (1...largestLength).contains(length)
        else {
            throw SourceError(
                "'\(text)' is no length for the generator '\(kind.name)'",
                remedy: "give a whole number from 1 to \(largestLength), as in '\(kind.name):\(usual)'")
        }
        return length
    }

    private static func alphabet(_ text: String?, of kind: Kind) throws(SourceError) -> [UInt8] {
        guard let text else { return passwordAlphabet }
        guard text.hasPrefix("alphabet=") else {
            let name = text.prefix { $0 != "=" }
            throw SourceError("generators have no option '\(name)'", remedy: "there is only 'alphabet=', as in 'password:32,alphabet=a-z0-9'")
        }
        guard kind.takesAlphabet else {
            throw SourceError("the generator '\(kind.name)' has its own alphabet", remedy: "use 'password' for another one")
        }
        return try GeneratorAlphabet.characters(of: String(text.dropFirst("alphabet=".count)))
    }
}

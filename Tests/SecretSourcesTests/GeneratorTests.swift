import Glibc
import MemoryInspection
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// What a spec makes, in ordinary memory: these are no one's secrets.
private func generated(_ spec: String) throws -> [UInt8] {
    let value = try Generator.value(of: GeneratorSpec(spec))
    return value.withUnsafeBytes { Array($0) }
}

private func text(_ spec: String) throws -> String { String(decoding: try generated(spec), as: UTF8.self) }

private let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

@Suite struct GeneratorSpecTests {
    @Test func aSpecSaysKindLengthAndAlphabet() throws {
        #expect(try GeneratorSpec("password") == .characters(count: 32, alphabet: Array((alphanumeric + "-_.~").utf8)))
        #expect(try GeneratorSpec("password:20,alphabet=a-c0-1,!-") == .characters(count: 20, alphabet: Array("abc01,!-".utf8)))
        #expect(try GeneratorSpec("password,alphabet=-ab") == .characters(count: 32, alphabet: Array("-ab".utf8)))
        #expect(try GeneratorSpec("password,alphabet=+--") == .characters(count: 32, alphabet: Array("+,-".utf8)))
        #expect(try GeneratorSpec("hex:16") == .bytes(count: 16, .hex))
        #expect(try GeneratorSpec("rsa-4096") == .rsaKey(bits: 4096))
        #expect(try GeneratorSpec("bytes:65536") == .bytes(count: 65536, .raw))
    }

    @Test(arguments: [
        ("pasword", "there is no generator 'pasword'; did you mean 'password'?"), ("rsa:4096", "there are rsa-2048, rsa-3072, rsa-4096"),
        ("", "the generator has no kind; there are password, alnum"), ("xyz:3", "there are password, alnum"),
        ("password:0", "'0' is no length"), ("password:-1", "'-1' is no length"), ("password:65537", "from 1 to 65536"), ("password:", "'' is no length"),
        ("password:1e3", "is no length"), ("hex:99999999999999999999", "is no length"), ("uuid:4", "'uuid' takes no length"),
        ("password,length=3", "no option 'length'"), ("hex,alphabet=ab", "has its own alphabet"), ("password,alphabet=", "fewer than two"),
        ("password,alphabet=a", "fewer than two"), ("password,alphabet=aa", "has 'a' twice"), ("password,alphabet=a-zx", "has 'x' twice"),
        ("password,alphabet=z-a", "runs backwards; write 'a-z'"), ("password,alphabet=a b", "printable ASCII"), ("password,alphabet=aé", "printable ASCII"),
        ("password ", "did you mean 'password'?"),
    ])
    func aSpecThatIsWrongIsNamed(spec: String, expected: String) {
        let error = #expect(throws: SourceError.self) { try GeneratorSpec(spec) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func aSpecOfTheComposeFileIsChecked() {
        func problem(_ options: [String: String]) -> String? {
            let request = SourceRequest(driver: "generate", options: options, name: "password", project: "shop", directory: "/srv/shop")
            if case .failure(let error) = SourceServer.answer(request) { return error.reason }
            return nil
        }
        #expect(problem(["spec": "password:12"]) == nil)
        #expect(problem(["spec": "pasword"]) == "there is no generator 'pasword'")
        #expect(problem([:])?.contains("needs the option 'spec'") == true)
    }
}

@Suite struct GeneratorTests {
    /// How far counts are from being equally likely: Pearson's chi-square.
    private func chiSquare(_ values: [UInt8], _ alphabet: [UInt8]) -> Double {
        var counts = [Int](repeating: 0, count: 256)
        for value in values { counts[Int(value)] += 1 }
        let expected = Double(values.count) / Double(alphabet.count)
        return alphabet.reduce(0) { sum, character in
            let difference = Double(counts[Int(character)]) - expected
            return sum + difference * difference / expected
        }
    }

    /// Twelve standard deviations above the mean, and some more for few degrees of freedom: chance gets there once in 10^13 runs.
    private func bound(_ alphabet: [UInt8]) -> Double {
        let freedom = Double(alphabet.count - 1)
        return freedom + 12 * (2 * freedom).squareRoot() + 60
    }

    @Test(arguments: [
        ("password", alphanumeric + "-_.~"), ("alnum", alphanumeric), ("digits", "0123456789"), ("password,alphabet=abc", "abc"),
        ("password,alphabet=!-~", String(decoding: 0x21...0x7E, as: UTF8.self)),
    ])
    func eachCharacterIsAsLikely(kind: String, alphabet: String) throws {
        let parts = kind.split(separator: ",", maxSplits: 1)
        let spec = parts[0] + ":65536" + (parts.count == 2 ? "," + parts[1] : "")
        var characters: [UInt8] = []
        for _ in 0..<4 { characters += try generated(String(spec)) }
        let allowed = Array(alphabet.utf8)
        #expect(characters.count == 4 * 65536 && Set(characters).isSubset(of: allowed))
        #expect(chiSquare(characters, allowed) < bound(allowed))
    }

    @Test func theMeasureWouldFindTheBiasOfARemainder() throws {
        let alphabet = Array((alphanumeric + "-_.~").utf8)
        let biased = try (0..<4).flatMap { _ in try generated("bytes:65536") }.map { alphabet[Int($0) % alphabet.count] }
        #expect(chiSquare(biased, alphabet) > bound(alphabet) * 4)
    }

    @Test func bytesAreEquallyLikelyInEveryEncoding() throws {
        let all = Array(UInt8.min...UInt8.max)
        #expect(chiSquare(try generated("bytes:65536"), all) < bound(all))
        #expect(chiSquare(try generated("hex:65536"), Array("0123456789abcdef".utf8)) < bound(Array(0..<16)))
        let base64 = try generated("base64url:65535")
        #expect(chiSquare(base64, Array((alphanumeric + "-_").utf8)) < bound(Array(0..<64)))
    }

    @Test(arguments: [
        ("password", 32), ("password:1", 1), ("alnum:64", 64), ("digits", 8), ("hex", 64), ("hex:3", 6), ("base64", 44), ("base64:33", 44),
        ("base64url", 43), ("bytes:7", 7), ("uuid", 36), ("wireguard", 44), ("age", 74),
    ])
    func lengthsAreAsDocumented(spec: String, count: Int) throws {
        #expect(try generated(spec).count == count)
    }

    @Test func noTwoValuesAreEqual() throws {
        for spec in ["password:16", "uuid", "hex:16", "ed25519", "age", "wireguard"] {
            let values = try Set((0..<500).map { _ in try text(spec) })
            #expect(values.count == 500)
        }
    }

    @Test func aUUIDIsOfVersionFour() throws {
        for _ in 0..<200 {
            let text = try text("uuid")
            #expect(text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil, "\(text)")
        }
    }

    @Test func aWireguardKeyIsAScalarOfCurve25519() throws {
        for _ in 0..<100 {
            let key = try SecretBytes.guarding(try text("wireguard"))
            let scalar = try #require(try SecretBase64.decode(key)?.withUnsafeBytes { Array($0) })
            #expect(scalar.count == 32 && scalar[0] & 7 == 0 && scalar[31] & 0xC0 == 0x40)
        }
    }

    @Test(arguments: [
        ("", "a", "A12UEL5L"), ("00443214c74254b635cf84653a56d7c675be77df", "abcdef", "ABCDEF1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LMQQQXW"),
    ])
    func bech32IsThatOfBIP173(hexadecimal: String, prefix: String, expected: String) throws {
        let bytes = stride(from: 0, to: hexadecimal.count, by: 2).map { UInt8(hexadecimal.dropFirst($0).prefix(2), radix: 16)! }
        let value = try SecretBytes(copying: bytes)
        let encoded = try Bech32.encode(value, prefix: prefix, isUpperCase: true).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(encoded == expected)
    }

    @Test func anEd25519KeyHasTheFormOfRFC8410() throws {
        let key: [UInt8] = [
            0xD4, 0xEE, 0x72, 0xDB, 0xF9, 0x13, 0x58, 0x4A, 0xD5, 0xB6, 0xD8, 0xF1, 0xF7, 0x69, 0xF8, 0xAD, 0x3A, 0xFE, 0x7C, 0x28, 0xCB, 0xF1,
            0xD4, 0xFB, 0xE0, 0x97, 0xA8, 0x8F, 0x44, 0x75, 0x58, 0x42,
        ]
        let value = try SecretBytes(copying: key)
        let pem = try PEM.privateKey(Curve25519Key.der(.ed25519, value)).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(pem == """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
            -----END PRIVATE KEY-----

            """)
    }

    @Test(arguments: [
        ("rsa-2048", "Private-Key: (2048 bit"), ("rsa-3072", "Private-Key: (3072 bit"), ("rsa-4096", "Private-Key: (4096 bit"),
        ("ed25519", "ED25519 Private-Key"), ("x25519", "X25519 Private-Key"), ("p256", "prime256v1"),
    ])
    func opensslTakesTheKeys(spec: String, expected: String) throws {
        let key = try text(spec)
        #expect(key.split(separator: "\n").dropFirst().dropLast().allSatisfy { $0.count <= 64 })
        #expect(try status("openssl pkey -noout -text | grep -qF '\(expected)'", given: key) == 0)
        #expect(try status("openssl pkey -pubout | grep -q 'BEGIN PUBLIC KEY'", given: key) == 0)
        // It can't check those that are nothing but random bytes.
        if spec.hasPrefix("rsa") || spec == "p256" { #expect(try status("openssl pkey -check -noout >/dev/null", given: key) == 0) }
        #expect(try status("openssl pkey -noout 2>/dev/null", given: String(key.dropFirst(60))) != 0)
    }

    @Test func ageTakesTheIdentity() throws {
        #expect(try status("age-keygen -y | grep -q '^age1[0-9a-z]*$'", given: try text("age") + "\n") == 0)
        #expect(try status("age-keygen -y 2>/dev/null", given: try String(text("age").dropLast()) + "!\n") != 0)
    }

    /// What a shell's command makes of a text on its standard input.
    private func status(_ command: String, given text: String) throws -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let pipe = try #require(popen(command, "we"))
        fputs(text, pipe)
        return pclose(pipe)
    }

    @Test(.enabled(if: MemoryMapping.canBeLocked, "needs locked memory"), arguments: ["rsa-2048", "p256", "ed25519"])
    func nothingOfAKeyStaysInOrdinaryMemory(spec: String) throws {
        let kind = try GeneratorSpec(spec)
        let der: SecretBytes =
            switch kind {
            case .rsaKey(let bits): try KeyPair.rsa(bits: bits)
            case .key(.p256): try KeyPair.p256()
            default: try Curve25519Key.der(.ed25519, try Generator.randomBytes(32))
            }
        let pem = try PEM.privateKey(der)
        // Random all through: in RSA's private exponent and its first prime, or in the key; and in a line of its text.
        let (places, line) =
            switch spec {
            case "rsa-2048": ([400, 640], 28 + 6 * 65)
            case "p256": ([40], 28 + 65)
            default: ([20], 55)
            }
        for place in places { #expect(try copies(of: der, place..<place + 20) == 0) }
        #expect(try copies(of: pem, line..<line + 24) == 0)
        // The search finds what is there.
        let copy = der.withUnsafeBytes { Array($0) }
        let found = try copies(of: der, places[0]..<places[0] + 20)
        #expect(withExtendedLifetime(copy) { found } > 0)
    }

    /// How often a part of a value stands in the writable memory of this process that isn't guarded, as it is or backwards, as numbers
    /// stand in libcrypto's.
    private func copies(of value: borrowing SecretBytes, _ range: Range<Int>) throws -> Int {
        var backwards = try value.slice(range)
        backwards.withUnsafeMutableBytes { bytes in
            for position in 0..<bytes.count / 2 { bytes.swapAt(position, bytes.count - 1 - position) }
        }
        let forwards = try value.slice(range)
        return MemorySearch.count(of: forwards) + MemorySearch.count(of: backwards)
    }
}

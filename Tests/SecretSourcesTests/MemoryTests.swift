import Glibc
import Linux
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// What is left in this process's memory of what was sent and received.
@Suite struct MemoryTests {
    private static let server = Result { try ServerProcess("mishaps.py") }

    private func client() throws -> HTTPClient {
        HTTPClient(environment: [:], certificates: trusted(try Self.server.get()["folder"] + "/ca.pem"))
    }

    private func address(_ path: String) throws -> HTTPAddress {
        try HTTPAddress("https://localhost:\(try Self.server.get()["https"])/\(path)")
    }

    @Test func libcurlLeavesNoCopyOfATokenThatWasSent() throws {
        let needle = try Needle()
        try send(needle)
        #expect(needle.occurrences() == 0)
        let token = try needle.secret().withUnsafeBytes { Array($0) }
        // The search does find what there is.
        #expect(needle.occurrences() == 1)
        extendLifetime(token)
    }

    private func send(_ needle: borrowing Needle) throws {
        let token = try needle.secret()
        var request = try HTTPRequest(.get, address("size/10"))
        try request.addHeader("Authorization", prefix: "Bearer ", secret: token)
        let status = try client().send(request).status
        #expect(status == 200)
    }

    @Test func libcurlLeavesNoCopyOfAFormThatWasSent() throws {
        let needle = try Needle()
        try post(needle)
        #expect(needle.occurrences() == 0)
    }

    private func post(_ needle: borrowing Needle) throws {
        var form = try SecretBuffer()
        try form.append("secret=")
        try form.appendPercentEncoded(needle.secret())
        let request = try HTTPRequest(posting: form.bytes(), type: "application/x-www-form-urlencoded", to: address("size/10"))
        let status = try client().send(request).status
        #expect(status == 200)
    }

    @Test func libcurlLeavesNoCopyOfAnAnswer() throws {
        let needle = try Needle()
        try receive(needle)
        #expect(needle.occurrences() == 0)
    }

    private func receive(_ needle: borrowing Needle) throws {
        let text = try needle.secret().withUnsafeBytes { String(decoding: $0.map { 0x61 + 0x7a - $0 }, as: UTF8.self) }
        let response = try client().send(HTTPRequest(.get, address("mirror/" + text)))
        #expect(response.body.count == 32)
    }

    @Test func nothingIsLeftOfASignature() throws {
        let needle = try Needle()
        try sign(with: needle)
        #expect(needle.occurrences() == 0)
    }

    private func sign(with needle: borrowing Needle) throws {
        let credentials = AWSCredentials(
            accessKey: "AKIDEXAMPLE", secretKey: try needle.secret(), sessionToken: try needle.secret(), origin: "the test")
        let subject = SignatureV4.Subject(method: "POST", path: "/", headers: [("Host", "localhost")])
        _ = try SignatureV4(region: "us-east-1", service: "sts", time: "20150830T123600Z").authorization(of: subject, body: needle.secret(), credentials: credentials)
    }

    @Test func nothingIsLeftOfAMemberThatWasFound() throws {
        let needle = try Needle()
        try find(needle)
        #expect(needle.occurrences() == 0)
    }

    private func find(_ needle: borrowing Needle) throws {
        var json = try SecretBuffer()
        try json.append("{\"a\": {\"b\": \"")
        try json.append(needle.secret())
        try json.append("\\n\"}}")
        let value = try SecretField.pick("a", of: json.bytes(), "the secret")
        #expect(try SecretJSON.string(at: ["b"], in: value)?.count == 33)
        #expect(try SecretBase64.decode(SecretBase64.encode(value))?.count == value.count)
    }
}

/// Something unmistakable to look for in this process's memory, which itself lies where the search doesn't look.
struct Needle: ~Copyable {
    private let bytes: SecretBytes

    init() throws {
        var random = try SecretBytes(count: 32)
        var generator = SystemRandomNumberGenerator()
        random.withUnsafeMutableBytes { bytes in
            for index in bytes.indices { bytes[index] = UInt8.random(in: 0x61...0x7a, using: &generator) }
        }
        bytes = random
    }

    /// A copy.
    borrowing func secret() throws -> SecretBytes {
        try bytes.withUnsafeBytes { try SecretBytes(copying: $0) }
    }

    /// How often it is in the memory of this process that isn't guarded.
    borrowing func occurrences() -> Int {
        MemorySearch.count(of: bytes)
    }
}

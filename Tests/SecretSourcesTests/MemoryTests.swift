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
        HTTPClient(environment: [:], certificates: try Self.server.get()["folder"] + "/ca.pem")
    }

    private func address(_ path: String) throws -> HTTPAddress {
        try HTTPAddress("https://localhost:\(try Self.server.get()["https"])/\(path)")
    }

    @Test func libcurlLeavesNoCopyOfATokenThatWasSent() throws {
        let needle = try Needle()
        try send(needle)
        #expect(try needle.occurrences() == 0)
        let token = try needle.secret()
        // The search does find what there is.
        #expect(try needle.occurrences() == 1)
        extendLifetime(token)
    }

    private func send(_ needle: Needle) throws {
        let token = try needle.secret()
        var request = try HTTPRequest(.get, address("size/10"))
        try request.addHeader("Authorization", prefix: "Bearer ", secret: token)
        let status = try client().send(request).status
        #expect(status == 200)
    }

    @Test func libcurlLeavesNoCopyOfAFormThatWasSent() throws {
        let needle = try Needle()
        try post(needle)
        #expect(try needle.occurrences() == 0)
    }

    private func post(_ needle: Needle) throws {
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
        #expect(try needle.occurrences() == 0)
    }

    private func receive(_ needle: Needle) throws {
        let text = try needle.secret().withUnsafeBytes { String(decoding: $0.map { 0x61 + 0x7a - $0 }, as: UTF8.self) }
        let response = try client().send(HTTPRequest(.get, address("mirror/" + text)))
        #expect(response.body.count == 32)
    }

    @Test func nothingIsLeftOfASignature() throws {
        let needle = try Needle()
        try sign(with: needle)
        #expect(try needle.occurrences() == 0)
    }

    private func sign(with needle: Needle) throws {
        let credentials = AWSCredentials(
            accessKey: "AKIDEXAMPLE", secretKey: try needle.secret(), sessionToken: try needle.secret(), origin: "the test")
        let subject = SignatureV4.Subject(method: "POST", path: "/", headers: [("Host", "localhost")])
        _ = try SignatureV4(region: "us-east-1", service: "sts", time: "20150830T123600Z").authorization(of: subject, body: needle.secret(), credentials: credentials)
    }

    @Test func nothingIsLeftOfAMemberThatWasFound() throws {
        let needle = try Needle()
        try find(needle)
        #expect(try needle.occurrences() == 0)
    }

    private func find(_ needle: Needle) throws {
        var json = try SecretBuffer()
        try json.append("{\"a\": {\"b\": \"")
        try json.append(needle.secret())
        try json.append("\\n\"}}")
        let value = try SecretField.pick("a", of: json.bytes(), "the secret")
        #expect(try SecretJSON.string(at: ["b"], in: value)?.count == 33)
        #expect(try SecretBase64.decode(SecretBase64.encode(value))?.count == value.count)
    }
}

/// Something unmistakable to look for in this process's memory, which itself holds it only in disguise.
struct Needle {
    private let disguised: [UInt8]
    private static let mask: UInt8 = 0x80

    init() throws {
        var generator = SystemRandomNumberGenerator()
        disguised = (0..<32).map { _ in UInt8.random(in: 0x61...0x7a, using: &generator) | Self.mask }
    }

    /// Itself.
    func secret() throws -> SecretBytes {
        var result = try SecretBytes(count: disguised.count)
        result.withUnsafeMutableBytes { bytes in
            for index in disguised.indices { bytes[index] = disguised[index] & ~Self.mask }
        }
        return result
    }

    /// How often it is in the memory that this process can write to.
    func occurrences() throws -> Int {
        let maps = String(decoding: try FileDescriptor.open("/proc/self/maps", O_RDONLY).readAll() ?? [], as: UTF8.self)
        let memory = try FileDescriptor.open("/proc/self/mem", O_RDONLY)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        // What is read is looked through in the chunk itself; what was found must not be found there again.
        defer { chunk.withUnsafeMutableBytes { explicit_bzero($0.baseAddress!, $0.count) } }
        let own = chunk.withUnsafeBytes { UInt(bitPattern: $0.baseAddress!)..<UInt(bitPattern: $0.baseAddress! + $0.count) }
        var found = 0
        for line in maps.split(separator: "\n") where line.split(separator: " ")[1].hasPrefix("rw") {
            let ends = line.split(separator: " ")[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            var start = ends[0]
            while start < ends[1] {
                // Chunks overlap, for what lies across two of them.
                let count = pread(memory.number, &chunk, min(chunk.count, Int(ends[1] - start)), Int(start))
                guard count >= disguised.count else { break }
                found += occurrences(in: chunk, count, at: start, except: own)
                guard start + UInt(count) < ends[1] else { break }
                start += UInt(count - disguised.count + 1)
            }
        }
        return found
    }

    private func occurrences(in chunk: [UInt8], _ count: Int, at start: UInt, except own: Range<UInt>) -> Int {
        chunk.withUnsafeBytes { bytes in
            disguised.withUnsafeBytes { disguised in
                var found = 0
                let first = disguised[0] & ~Self.mask
                var place = 0
                while let next = memchr(bytes.baseAddress! + place, Int32(first), count - place) {
                    place = next - UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
                    guard place + disguised.count <= count else { break }
                    if !own.contains(start + UInt(place)), (0..<disguised.count).allSatisfy({ bytes[place + $0] | Self.mask == disguised[$0] }) { found += 1 }
                    place += 1
                }
                return found
            }
        }
    }
}
